//! The spool's phases: what each waits for, and what time does to it.

use super::super::escpos_status::{Answer, Health};
use super::super::escpos_walk::next_piece;
use super::{ASK_MS, Current, GIVE_UP_MS, Job, MAX_REPEATS, Output, PATIENCE_MS, POLL_MS, Phase, Proof, Spool, Start};

/// `GS r 1`: answered when all before it is processed.
pub(super) const MARK: [u8; 3] = [0x1D, 0x72, 0x31];
/// `DLE ENQ 1`: recover and go on with the line where it stopped.
const RECOVER: [u8; 3] = [0x10, 5, 1];

impl Spool {
    pub(super) fn opened(&mut self, now: u64) {
        self.forget_line();
        self.flushed = false;
        self.unplugged = false;
        self.last_life = now;
        self.last_progress = now;
        self.ask(now);
    }

    pub(super) fn lost(&mut self, now: u64) {
        self.forget_line();
        self.silent = false;
        self.deaf = false;
        self.phase = Phase::Lost { since: now };
    }

    /// What was asked and what was under way belongs to the line that is gone.
    fn forget_line(&mut self) {
        if let Some(c) = self.current.as_mut() {
            c.doubt |= c.touched;
        }
        self.decoder.reset();
        self.health = Health::default();
        self.settled = true;
        self.asb_ready = None;
        self.asb_missing = 0;
        self.unwritten = 0;
        self.commands.clear();
        self.marks.clear();
        self.since_mark = 0;
        self.process_id = None;
        self.asked_at = None;
        self.unanswered = 0;
        self.asb_seen = false;
        self.clean = false;
    }

    /// Their answers may still come: they must not be taken for those to later marks.
    pub(super) fn drop_marks(&mut self) {
        self.unanswered += self.marks.len();
        self.marks.clear();
        self.since_mark = 0;
    }

    pub(super) fn resume(&mut self, now: u64) {
        match self.phase {
            Phase::Lost { .. } | Phase::Idle => {}
            Phase::Stuck { .. } => {
                if let Some(c) = self.current.as_mut() {
                    c.attempt = 0;
                    c.doubt = true;
                    c.touched = true;
                }
                self.last_life = now;
                self.silent = false;
                self.ask(now);
            }
            // However often the key is pressed: what already waits to be sent is enough.
            _ if !self.commands.is_empty() => {}
            _ => {
                self.commands.extend(RECOVER);
                self.put_questions(now);
            }
        }
    }

    pub(super) fn heard(&mut self, now: u64, bytes: &[u8], out: &mut Vec<Output>) {
        let was_ready = self.health.ready();
        let answers = self.decoder.feed(now, bytes);
        if answers.is_empty() {
            return;
        }
        self.last_life = now;
        self.silent = false;
        for answer in answers {
            self.deaf &= matches!(answer, Answer::Realtime { .. });
            match answer {
                Answer::Realtime { n, byte } => {
                    self.health.apply_realtime(n, byte);
                    self.settled = false;
                    self.round_done();
                }
                Answer::Asb(asb) => self.automatic(now, Health::from_asb(asb)),
                Answer::Processed(_) => self.processed(now),
                Answer::ProcessDone(id) if self.process_id == Some(id) => {
                    self.done(Proof::ProcessId, out);
                }
                Answer::ProcessDone(_) => self.counters.strays += 1,
            }
        }
        if self.health.ready() && !was_ready {
            // The clock for its proof starts anew: the paper was out for as long as a person took.
            self.last_progress = now;
        }
        if self.phase == (Phase::Stuck { person: false }) {
            self.doubt(now, out);
        }
    }

    fn automatic(&mut self, now: u64, health: Health) {
        self.health = health;
        self.settled = true;
        self.asb_ready = Some(health.ready());
        self.asb_missing = 0;
        self.asb_seen = true;
        if let Phase::Asking { asb, heard, .. } = &mut self.phase {
            *asb = true;
            *heard = Some(now);
        }
    }

    fn processed(&mut self, now: u64) {
        let printing = matches!(self.phase, Phase::Sending { .. } | Phase::Finishing { .. } | Phase::Stuck { .. });
        if printing && self.marks.pop_front().is_some() {
            self.last_progress = now;
            return;
        }
        // On a line just opened, what comes before our ASB answers questions of an earlier run.
        if printing || self.unanswered == 0 || self.profile.has_asb && !self.asb_seen && !self.flushed {
            self.counters.strays += 1;
        } else {
            self.unanswered -= 1;
        }
        if let Phase::Asking { heard, .. } = &mut self.phase {
            *heard = Some(now);
        }
    }

    /// Once all four questions are answered: ready by these and not by ASB means that its ASB is off.
    fn round_done(&mut self) {
        if !self.decoder.all_answered() {
            return;
        }
        self.asked_at = None;
        self.settled = true;
        if self.health.ready() && self.asb_ready == Some(false) {
            self.asb_missing += 1;
        } else {
            self.asb_missing = 0;
        }
    }

    /// Moves on as far as it goes without new input.
    pub(super) fn advance(&mut self, now: u64, out: &mut Vec<Output>) {
        self.expire(now, out);
        // Each turn changes the phase or ends; no phase is entered twice for the same input.
        for _ in 0..8 {
            let before = self.phase;
            self.turn(now, out);
            self.time(now);
            self.pump(now, out);
            if self.phase == before {
                break;
            }
        }
    }

    /// Ends what has no use any more. Of what has begun to leave nothing can be taken back.
    fn expire(&mut self, now: u64, out: &mut Vec<Output>) {
        let over = |job: &Job| job.deadline.is_some_and(|at| now >= at);
        let mut ended = Vec::new();
        if self.expiring().is_some_and(over)
            && let Some(c) = self.current.take()
        {
            ended.push(c.job.id);
            // Where it was asked how it is, the answer is awaited all the same: it is what the cashier sees.
            if matches!(self.phase, Phase::Starting | Phase::Sending { .. }) {
                self.phase = Phase::Idle;
            }
        }
        self.queue.retain(|job| {
            if over(job) {
                ended.push(job.id);
            }
            !over(job)
        });
        self.counters.expired += ended.len() as u64;
        out.extend(ended.into_iter().map(Output::Expired));
    }

    /// The job at hand, if no byte of it has ever left.
    fn expiring(&self) -> Option<&Job> {
        // A person or a sign of life is what ends a job that is stuck.
        let under_way = matches!(self.phase, Phase::Finishing { .. } | Phase::Stuck { .. });
        self.current.as_ref().filter(|c| !c.touched && !c.doubt && !under_way).map(|c| &c.job)
    }

    fn next_deadline(&self) -> Option<u64> {
        self.queue.iter().chain(self.expiring()).filter_map(|job| job.deadline).min()
    }

    fn time(&mut self, now: u64) {
        if self.silence_due().is_some_and(|at| now >= at) {
            self.silent = true;
            if matches!(self.phase, Phase::Sending { .. }) && self.health.ready() {
                // It died in the middle without a word: when it speaks again its buffer is gone.
                self.phase = Phase::Stuck { person: false };
            }
        }
        if self.poll_due().is_some_and(|at| now >= at) {
            self.put_questions(now);
        }
    }

    fn turn(&mut self, now: u64, out: &mut Vec<Output>) {
        match self.phase {
            Phase::Lost { since } => self.unplugged |= now >= since.saturating_add(PATIENCE_MS),
            Phase::Idle => {
                if self.next_job(out) {
                    self.ask(now);
                }
            }
            Phase::Asking { .. } => self.asking(now, out),
            Phase::Waiting => {
                if self.health.ready() && self.settled {
                    self.ask(now);
                }
            }
            Phase::Starting => {
                if self.current.as_ref().is_none_or(|c| c.start == Start::Durable) {
                    self.last_progress = now;
                    self.last_poll = now;
                    self.phase = Phase::Sending { at: 0, inside: 0 };
                }
            }
            Phase::Sending { .. } => {
                if self.was_switched_off() || self.marks_due().is_some_and(|at| now >= at) {
                    self.doubt(now, out);
                }
            }
            Phase::Finishing { probed } => self.finishing(now, probed, out),
            Phase::Stuck { .. } => {}
        }
    }

    /// ASB was on, said "not ready", and never took it back, though `DLE EOT` says ready: power was off meanwhile, and
    /// with it went what was in the buffer.
    fn was_switched_off(&self) -> bool {
        self.asb_missing >= 2
    }

    /// Takes the next job in hand. False: there is none.
    fn next_job(&mut self, out: &mut Vec<Output>) -> bool {
        while self.current.is_none() {
            let Some(job) = self.queue.pop_front() else { return false };
            if job.started_before && job.reprint_bytes.is_none() {
                self.counters.doubtful += 1;
                out.push(Output::Doubtful(job.id));
                continue;
            }
            let doubt = job.started_before;
            let start = if doubt { Start::Durable } else { Start::NotSaid };
            self.current = Some(Current { job, start, doubt, touched: false, attempt: 0 });
        }
        true
    }

    pub(super) fn ready(&mut self, now: u64, out: &mut Vec<Output>) {
        self.last_progress = now;
        self.last_poll = now;
        if !self.next_job(out) {
            self.phase = Phase::Idle;
            return;
        }
        let Some(c) = self.current.as_mut() else { return };
        if c.touched && c.doubt {
            // A port was lost in the middle: this is a repeat, and is counted as one.
            if !self.repeat(out) {
                return;
            }
        }
        let Some(c) = self.current.as_mut() else { return };
        self.phase = match c.start {
            Start::Durable => Phase::Sending { at: 0, inside: 0 },
            Start::Said => Phase::Starting,
            Start::NotSaid => {
                c.start = Start::Said;
                out.push(Output::Started(c.job.id));
                Phase::Starting
            }
        };
    }

    /// Whether the job at hand may be printed once more; else it ends or waits for a person.
    fn repeat(&mut self, out: &mut Vec<Output>) -> bool {
        let Some(c) = self.current.as_mut() else { return false };
        let id = c.job.id;
        if c.job.reprint_bytes.is_none() {
            self.current = None;
            self.counters.doubtful += 1;
            out.push(Output::Doubtful(id));
            self.phase = Phase::Idle;
            return false;
        }
        if c.attempt >= MAX_REPEATS {
            self.phase = Phase::Stuck { person: true };
            return false;
        }
        c.attempt += 1;
        c.touched = false;
        self.counters.repeats += 1;
        out.push(Output::Repeating { id, attempt: c.attempt });
        true
    }

    /// It cannot be known what of the job is on paper.
    fn doubt(&mut self, now: u64, out: &mut Vec<Output>) {
        if let Some(c) = self.current.as_mut() {
            c.doubt = true;
        }
        self.flushed = false;
        self.clean = false;
        if self.repeat(out) {
            self.ask(now);
        }
    }

    fn finishing(&mut self, now: u64, probed: Option<u64>, out: &mut Vec<Output>) {
        if self.was_switched_off() {
            return self.doubt(now, out);
        }
        let confirmed = self.profile.has_gs_r && self.marks.is_empty();
        if confirmed && self.process_id.is_none() {
            return self.done(Proof::Processed, out);
        }
        if !self.can_judge() {
            return;
        }
        if !self.profile.has_gs_r && self.process_id.is_none() {
            // No proof on this model: one status round behind the last byte is the best there is.
            if !self.profile.has_dle_eot {
                self.done(Proof::Unproven, out);
            } else if self.asked_at.is_none() {
                self.done(Proof::Status, out);
            }
            return;
        }
        if now < self.judge_at(probed) {
            return;
        }
        match probed {
            // Processed, and its process id never came: the model has none after all.
            _ if confirmed => self.done(Proof::Processed, out),
            None => {
                self.commands.extend(MARK);
                self.marks.push_back(0);
                self.put_questions(now);
                self.phase = Phase::Finishing { probed: Some(now) };
            }
            // It lives, and too few marks came back: one was lost, and with it perhaps what was before it.
            Some(at) if self.last_life > at => self.doubt(now, out),
            Some(_) => {
                self.silent = true;
                self.phase = Phase::Finishing { probed: Some(now) };
            }
        }
    }

    /// Whether time counts against it: nothing known stands in its way, and all has left.
    fn can_judge(&self) -> bool {
        self.trusted_ready() && self.unwritten == 0 && self.commands.is_empty()
    }

    /// When marks that do not come back count as lost, in the middle of a job.
    fn marks_due(&self) -> Option<u64> {
        let due = self.last_progress.saturating_add(2 * PATIENCE_MS);
        (!self.marks.is_empty() && self.can_judge()).then_some(due)
    }

    fn judge_at(&self, probed: Option<u64>) -> u64 {
        probed.unwrap_or(0).max(self.last_progress).saturating_add(PATIENCE_MS)
    }

    /// Ready by all that it says; not while ASB and `DLE EOT` contradict each other.
    fn trusted_ready(&self) -> bool {
        self.health.ready() && self.asb_missing == 0
    }

    fn done(&mut self, proof: Proof, out: &mut Vec<Output>) {
        if let Some(c) = self.current.take() {
            self.counters.done += 1;
            out.push(Output::Done { id: c.job.id, proof, reprint: c.doubt });
        }
        self.clean = self.profile.has_gs_r && self.marks.len() <= 1;
        self.drop_marks();
        self.process_id = None;
        self.phase = Phase::Idle;
    }

    /// When silence will mean "no answer"; `None` where nothing is awaited.
    fn silence_due(&self) -> Option<u64> {
        let asking = match self.phase {
            Phase::Asking { since, .. } => Some(since),
            Phase::Waiting | Phase::Sending { .. } | Phase::Finishing { .. } => None,
            Phase::Lost { .. } | Phase::Idle | Phase::Starting | Phase::Stuck { .. } => return None,
        };
        let asked = self.asked_at.is_some() || !self.marks.is_empty() || asking.is_some();
        let awaited = self.profile.speaks() && asked || self.unwritten > 0;
        let heard = self.last_life.max(self.last_progress).max(asking.unwrap_or(0));
        (awaited && !self.silent).then(|| heard.saturating_add(PATIENCE_MS))
    }

    /// When to ask anew, while something is going on.
    fn poll_due(&self) -> Option<u64> {
        let active = match self.phase {
            Phase::Waiting | Phase::Sending { .. } | Phase::Finishing { .. } => true,
            Phase::Stuck { person } => !person,
            _ => false,
        };
        let can = self.profile.has_dle_eot && self.unwritten == 0 && self.commands.is_empty();
        let wait = if self.asked_at.is_some() { GIVE_UP_MS } else { POLL_MS };
        (active && can).then(|| self.last_poll.saturating_add(wait))
    }

    /// Writes what may be written now: commands at a boundary, else the next piece of the job.
    fn pump(&mut self, now: u64, out: &mut Vec<Output>) {
        if self.unwritten > 0 || matches!(self.phase, Phase::Lost { .. }) {
            return;
        }
        let inside = matches!(self.phase, Phase::Sending { inside, .. } if inside > 0);
        if !self.commands.is_empty() && !inside {
            let commands = std::mem::take(&mut self.commands);
            self.write(commands, out);
            return;
        }
        let Phase::Sending { at, inside } = self.phase else { return };
        // Inside a command there is no stopping: what came next would be taken for its data.
        if self.trusted_ready() || inside > 0 {
            self.send_piece(now, at, inside, out);
        }
    }

    fn send_piece(&mut self, now: u64, at: usize, inside: usize, out: &mut Vec<Output>) {
        let window = self.profile.window;
        let Some(c) = self.current.as_mut() else {
            self.phase = Phase::Idle;
            return;
        };
        let bytes = match &c.job.reprint_bytes {
            Some(again) if c.doubt => again,
            _ => &c.job.bytes,
        };
        let Some((piece, left)) = next_piece(&bytes[at..], inside, self.profile.chunk) else {
            return self.send_end(now, out);
        };
        let under_way = self.marks.iter().sum::<usize>() + self.since_mark;
        if window > 0 && inside == 0 && under_way > 0 && under_way + piece.len > window {
            return;
        }
        let mut write = bytes[at..at + piece.len].to_vec();
        c.touched = true;
        self.since_mark += piece.len;
        if window > 0 && piece.boundary && self.since_mark >= window / 4 {
            write.extend(MARK);
            self.marks.push_back(std::mem::take(&mut self.since_mark));
        }
        self.phase = Phase::Sending { at: at + piece.len, inside: left };
        self.last_progress = now;
        self.write(write, out);
    }

    /// Behind the last byte: the question whose answer is the proof.
    fn send_end(&mut self, now: u64, out: &mut Vec<Output>) {
        let mut write = Vec::new();
        if self.profile.has_process_id
            && let Some(c) = &self.current
        {
            let id = process_id(c.job.id.0, c.attempt);
            self.process_id = Some(id);
            write.extend([0x1D, 0x28, 0x48, 6, 0, 0x30, 0x30]);
            write.extend(id);
        }
        if self.profile.has_gs_r {
            write.extend(MARK);
            self.marks.push_back(std::mem::take(&mut self.since_mark));
        }
        self.last_progress = now;
        self.phase = Phase::Finishing { probed: None };
        if write.is_empty() {
            self.put_questions(now);
            write = std::mem::take(&mut self.commands);
        }
        if !write.is_empty() {
            self.write(write, out);
        }
    }

    fn write(&mut self, bytes: Vec<u8>, out: &mut Vec<Output>) {
        self.unwritten = bytes.len();
        self.counters.bytes += bytes.len() as u64;
        out.push(Output::Write(bytes));
    }

    /// When time alone will change something.
    pub(super) fn wake_at(&self) -> Option<u64> {
        let sent = self.unwritten == 0 && self.commands.is_empty();
        let own = match self.phase {
            Phase::Lost { since } => (!self.unplugged).then(|| since.saturating_add(PATIENCE_MS)),
            Phase::Asking { until, heard, .. } => {
                let until = until.max(heard.unwrap_or(0).saturating_add(ASK_MS));
                self.quiet_at().or(sent.then_some(until))
            }
            Phase::Finishing { probed } => self.can_judge().then(|| self.judge_at(probed)),
            Phase::Sending { .. } => self.marks_due(),
            _ => None,
        };
        [own, self.silence_due(), self.poll_due(), self.next_deadline()].into_iter().flatten().min()
    }
}

/// Four printable characters that name this attempt of this job; a late answer of another one does not fit.
fn process_id(job: u64, attempt: u8) -> [u8; 4] {
    let mut n = job.wrapping_mul(8).wrapping_add(u64::from(attempt));
    let mut id = [0x20; 4];
    for d in &mut id {
        // 0x20–0x7E: 95 characters.
        *d = 0x20 + u8::try_from(n % 95).unwrap_or(0);
        n /= 95;
    }
    id
}
