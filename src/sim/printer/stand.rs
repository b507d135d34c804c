//! The printer on a pty, and the commands by which a person or a demo handles it.

use std::fs::File;
use std::io::{BufRead, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::super::pty::{Device, Stand};
use super::{Paper, Printer, PrinterSettings};

impl Device for Printer {
    fn room(&self) -> usize {
        Printer::room(self)
    }

    fn receive(&mut self, bytes: &[u8]) {
        let replies = self.feed(bytes);
        self.output.extend(replies);
    }

    fn take_output(&mut self) -> Vec<u8> {
        Printer::take_output(self)
    }

    fn working(&self) -> bool {
        self.settings.speed.is_some() && !self.buffer.is_empty()
    }

    fn elapse(&mut self, ms: u64) {
        let replies = Printer::elapse(self, ms);
        self.output.extend(replies);
    }

    fn unplugged(&mut self) {
        self.output.clear();
    }
}

/// A running printer.
#[derive(Debug)]
pub struct PrinterStand(Stand<Printer>);

impl PrinterStand {
    /// Plugs one in under `link`.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(link: &Path, settings: PrinterSettings) -> std::io::Result<Self> {
        Stand::start(Printer::new(settings), link).map(Self)
    }

    /// The stable name for the configuration.
    pub fn link(&self) -> &Path {
        self.0.link()
    }

    /// Looks at or changes the printer itself.
    pub fn with<R>(&self, f: impl FnOnce(&mut Printer) -> R) -> R {
        self.0.with(f)
    }

    /// A new, endless roll.
    pub fn refill(&self) {
        self.0.with(Printer::refill);
    }

    /// So many lines are left.
    pub fn set_paper_lines(&self, lines: u32) {
        self.0.with(|p| p.set_paper_lines(lines));
    }

    /// Opens the cover.
    pub fn open_cover(&self) {
        self.0.with(|p| p.set_cover(true));
    }

    /// Closes it.
    pub fn close_cover(&self) {
        self.0.with(|p| p.set_cover(false));
    }

    /// Whether it stands still for want of paper.
    pub fn paper_is_out(&self) -> bool {
        self.0.with(|p| p.paper_out)
    }

    /// All that it printed, as text.
    pub fn paper_text(&self) -> String {
        self.0.with(|p| p.paper().text())
    }

    /// Writes the paper as a PNG.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn paper_png(&self, path: &Path) -> std::io::Result<()> {
        self.png(path, |paper, out| paper.write_png(out))
    }

    /// The same for the last `n` pieces.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn paper_png_of_last(&self, n: usize, path: &Path) -> std::io::Result<()> {
        self.png(path, |paper, out| paper.write_png_of_last(n, out))
    }

    fn png(
        &self,
        path: &Path,
        draw: impl Fn(&Paper, &mut BufWriter<File>) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let paper = self.0.with(|p| p.paper().clone());
        let mut file = BufWriter::new(File::create(path)?);
        draw(&paper, &mut file)?;
        file.flush()
    }

    /// How often the drawer was opened.
    pub fn drawer_openings(&self) -> u64 {
        self.0.with(|p| p.drawer_openings())
    }

    /// What it did not understand.
    pub fn faults(&self) -> Vec<String> {
        self.0.with(|p| p.faults().to_vec())
    }

    /// Off and on.
    pub fn power_cycle(&self) {
        self.0.with(Printer::power_cycle);
    }

    /// Pulls the cable.
    pub fn unplug(&self) {
        self.0.unplug();
    }

    /// Plugs it in again.
    ///
    /// # Errors
    /// What the system says.
    pub fn plug(&self) -> std::io::Result<()> {
        self.0.plug()
    }
}

const HELP: &str = "paper N | refill | cover open|closed | jam on|off | text | png FILE | faults | drawer | power | unplug | plug | quit";

/// How often the paper is looked at by [`keep`].
const LOOK: Duration = Duration::from_millis(100);

/// Writes the paper to a file whenever something was printed: a picture where its name ends so, else text.
fn keep(stand: &PrinterStand, file: &Path) -> std::io::Result<()> {
    let mut kept = String::new();
    loop {
        let text = stand.paper_text();
        if text != kept {
            match file.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("png")) {
                true => stand.paper_png(file)?,
                false => std::fs::write(file, &text)?,
            }
            kept = text;
        }
        std::thread::sleep(LOOK);
    }
}

/// `tilld sim printer`: commands a line from `input`, until its end or `quit`. What is printed also lies in `paper`.
///
/// # Errors
/// No pty, the paper's file cannot be written, or the terminal is gone.
pub fn run(
    link: &Path,
    settings: PrinterSettings,
    paper: Option<PathBuf>,
    input: impl BufRead,
    mut output: impl Write,
) -> std::io::Result<()> {
    let stand = Arc::new(PrinterStand::start(link, settings)?);
    if let Some(paper) = paper {
        File::create(&paper)?;
        let stand = Arc::clone(&stand);
        std::thread::spawn(move || {
            if let Err(e) = keep(&stand, &paper) {
                log::error!("{}: {e}", paper.display());
            }
        });
    }
    writeln!(output, "printer at {}: {HELP}", link.display())?;
    for line in input.lines() {
        let line = line?;
        if line.trim() == "quit" {
            break;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = command(&stand, &words).unwrap_or_else(|e| format!("failed: {e}"));
        writeln!(output, "{answer}")?;
    }
    Ok(())
}

fn command(stand: &PrinterStand, words: &[&str]) -> std::io::Result<String> {
    match words {
        [] => {}
        ["paper", n] => match n.parse() {
            Ok(n) => stand.set_paper_lines(n),
            Err(e) => return Ok(format!("{n}: {e}")),
        },
        ["refill"] => stand.refill(),
        ["cover", "open"] => stand.open_cover(),
        ["cover", "closed"] => stand.close_cover(),
        ["jam", on] => stand.with(|p| p.set_jam(*on == "on")),
        ["text"] => return Ok(stand.paper_text()),
        ["png", file] => stand.paper_png(Path::new(file))?,
        ["faults"] => return Ok(stand.faults().join("\n")),
        ["drawer"] => return Ok(format!("opened {} times", stand.drawer_openings())),
        ["power"] => stand.power_cycle(),
        ["unplug"] => stand.unplug(),
        ["plug"] => stand.plug()?,
        _ => return Ok(HELP.into()),
    }
    Ok("ok".into())
}
