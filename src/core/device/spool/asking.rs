//! The question before every job: how are you? And what to do with a printer that answers half of it, or nothing.

use super::machine::MARK;
use super::{ASK_AGAIN_MS, ASK_MS, Output, PATIENCE_MS, Phase, Spool};

/// `DLE EOT` 1 to 4: answered at once, even while offline.
const QUESTIONS: [u8; 12] = [0x10, 4, 1, 0x10, 4, 2, 0x10, 4, 3, 0x10, 4, 4];
/// `ESC @`: the last job's modes end here.
const INIT: [u8; 2] = [0x1B, 0x40];
/// `GS a FF`: say by yourself when something changes.
const ASB_ON: [u8; 3] = [0x1D, 0x61, 0xFF];
impl Spool {
    /// Asks how it is, sets it up, and waits for the answers: the state before every job.
    pub(super) fn ask(&mut self, now: u64) {
        self.drop_marks();
        self.flush_armed = false;
        self.process_id = None;
        self.asb_ready = None;
        self.asb_missing = 0;
        self.commands.clear();
        self.phase = Phase::Asking { since: now, until: now.saturating_add(ASK_MS), asb: false, heard: None };
        self.put_questions(now);
        self.put_setup();
    }

    fn put_setup(&mut self) {
        self.commands.extend(INIT);
        if self.profile.has_asb {
            self.commands.extend(ASB_ON);
        }
        // In order behind the ASB: what an earlier run left in the buffer has answered before this does.
        if self.profile.has_gs_r {
            self.commands.extend(MARK);
            self.unanswered += 1;
        }
    }

    pub(super) fn put_questions(&mut self, now: u64) {
        self.last_poll = now;
        if !self.profile.has_dle_eot {
            return;
        }
        self.decoder.forget_questions();
        (1..=4).for_each(|n| self.decoder.asked(n));
        self.asked_at = Some(now);
        self.commands.extend(QUESTIONS);
    }

    pub(super) fn asking(&mut self, now: u64, out: &mut Vec<Output>) {
        let Phase::Asking { since, until, asb, heard } = self.phase else { return };
        if !self.profile.speaks() {
            return self.ready(now, out);
        }
        let answered = self.profile.has_dle_eot && self.asked_at.is_none();
        if (answered || asb) && self.settled && !self.health.ready() {
            self.phase = Phase::Waiting;
            return;
        }
        let status = if self.profile.has_asb { asb } else { answered };
        if status && self.unanswered == 0 && (self.clean || !self.doubt_at_hand()) {
            return self.ready(now, out);
        }
        if self.quiet_at().is_some_and(|at| now >= at) {
            // What has not come by now does not come any more.
            self.unanswered = 0;
            return self.ready(now, out);
        }
        let silent_since = heard.unwrap_or(0).saturating_add(ASK_MS);
        let early = now < until.max(silent_since) && !(self.flush_armed && answered);
        if early || self.unwritten > 0 || !self.commands.is_empty() {
            return;
        }
        if !self.flushed && !asb {
            return self.flush(now, since);
        }
        if self.quiet_at().is_none() {
            self.deaf = answered;
            self.put_questions(now);
            self.put_setup();
            self.phase = Phase::Asking { since, until: now.saturating_add(ASK_AGAIN_MS), asb, heard };
        }
    }

    /// Whether the next print is a repeat: answers to the print before it may be under way.
    fn doubt_at_hand(&self) -> bool {
        match &self.current {
            Some(c) => c.doubt,
            None => self.queue.front().is_some_and(|j| j.started_before),
        }
    }

    /// When a printer that is well, and has answered something that went through its buffer, has been quiet for long
    /// enough to go on with fewer answers than questions. A failing question must not block printing.
    pub(super) fn quiet_at(&self) -> Option<u64> {
        let Phase::Asking { since, asb, heard, .. } = self.phase else { return None };
        let answered = self.profile.has_dle_eot && self.asked_at.is_none();
        let no_way_through = !self.profile.has_asb && !self.profile.has_gs_r;
        let through = asb || no_way_through || heard.is_some() && (self.flushed || !self.profile.has_asb);
        let sent = self.unwritten == 0 && self.commands.is_empty();
        let well = (asb || answered) && self.health.ready();
        (through && well && sent).then(|| heard.unwrap_or(since).saturating_add(ASK_AGAIN_MS))
    }

    /// A command that waits for the rest of its data has eaten our questions: end it with NULs, then ask again.
    fn flush(&mut self, now: u64, since: u64) {
        if self.profile.has_dle_eot && !self.flush_armed {
            // Not into a printer that went offline meanwhile: its buffer would overflow.
            self.flush_armed = true;
            self.put_questions(now);
            let until = now.saturating_add(ASK_MS);
            self.phase = Phase::Asking { since, until, asb: false, heard: None };
            return;
        }
        self.flush_armed = false;
        self.flushed = true;
        self.counters.flushes += 1;
        self.commands.resize(self.profile.flush_nuls, 0);
        self.put_questions(now);
        self.put_setup();
        let until = now.saturating_add(PATIENCE_MS);
        self.phase = Phase::Asking { since, until, asb: false, heard: None };
    }
}
