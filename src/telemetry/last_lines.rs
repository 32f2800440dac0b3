//! Lines that stay at the end of a terminal's output: they are printed again after every log line. They do not move
//! the cursor, so it works with a pipe too.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

/// The lines to repeat; empty: none.
#[derive(Debug, Default)]
pub struct LastLines(Mutex<String>);

impl LastLines {
    pub const fn new() -> Self {
        Self(Mutex::new(String::new()))
    }

    /// Prints the lines, and keeps them last from now on.
    pub fn show(&self, lines: &str, mut out: impl Write) -> io::Result<()> {
        // Locked while printing, so that no log line comes in between.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(lines.as_bytes())?;
        out.flush()?;
        lines.clone_into(&mut kept);
        Ok(())
    }

    /// Stops repeating the lines.
    pub fn let_go(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A writer for log lines, each of them whole.
    pub fn above<W: Write>(&self, out: W) -> Above<'_, W> {
        Above { kept: self, out }
    }
}

pub struct Above<'a, W> {
    kept: &'a LastLines,
    out: W,
}

impl<W: Write> Write for Above<'_, W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let kept = self.kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.out.write_all(&[line, kept.as_bytes()].concat())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Terminal(Arc<Mutex<Vec<u8>>>);

    impl Write for Terminal {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(piece)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Terminal {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn what_is_logged_later_stands_above_the_last_lines() {
        static KEPT: LastLines = LastLines::new();
        let terminal = Terminal::default();
        let out = terminal.clone();
        let log =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || KEPT.above(out.clone())).finish();
        tracing::subscriber::with_default(log, || {
            tracing::warn!("early");
            assert!(terminal.text().ends_with("early\n"));
            KEPT.show("the address\nand the sign-in\n", terminal.clone()).unwrap();
            for count in 0..3 {
                tracing::warn!(count, "a provider is slow");
                assert!(terminal.text().ends_with(&format!("count={count}\nthe address\nand the sign-in\n")));
            }
            KEPT.let_go();
            tracing::warn!("stopping");
            assert!(terminal.text().ends_with("stopping\n"));
        });
    }
}
