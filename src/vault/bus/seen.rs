//! Which messages of which processes were heard: a message that comes again is somebody else's doing.

use std::collections::HashMap;

/// Processes that are remembered; of further ones, the one that was silent for longest is forgotten.
const MOST: usize = 1_024;
/// Messages behind the newest one of a process that may still come: they go over several servers of a cluster.
const WINDOW: u64 = 8_192;
const WORDS: usize = (WINDOW / 64) as usize;

#[derive(Default)]
pub(super) struct Seen {
    processes: HashMap<[u8; 8], Process>,
    heard: u64,
}

struct Process {
    newest: u64,
    /// A ring of bits, by number.
    came: [u64; WORDS],
    heard_at: u64,
}

impl Seen {
    /// Whether this message has not come yet; from now on it has.
    pub(super) fn is_new(&mut self, process: [u8; 8], number: u64) -> bool {
        self.heard += 1;
        if self.processes.len() >= MOST && !self.processes.contains_key(&process) {
            let silent = self.processes.iter().min_by_key(|(_, process)| process.heard_at);
            if let Some(silent) = silent.map(|(process, _)| *process) {
                self.processes.remove(&silent);
            }
        }
        let first = || Process { newest: number.saturating_sub(1), came: [0; WORDS], heard_at: 0 };
        let process = self.processes.entry(process).or_insert_with(first);
        process.heard_at = self.heard;
        process.is_new(number)
    }
}

impl Process {
    fn is_new(&mut self, number: u64) -> bool {
        if number.saturating_add(WINDOW) <= self.newest {
            return false;
        }
        // Those that are passed over may still come.
        if number > self.newest {
            if number - self.newest >= WINDOW {
                self.came = [0; WORDS];
            } else {
                for passed in self.newest + 1..=number {
                    let (word, bit) = place(passed);
                    self.came[word] &= !bit;
                }
            }
            self.newest = number;
        }
        let (word, bit) = place(number);
        let is_new = self.came[word] & bit == 0;
        self.came[word] |= bit;
        is_new
    }
}

fn place(number: u64) -> (usize, u64) {
    let at = number % WINDOW;
    ((at / 64) as usize, 1 << (at % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 8] = [1; 8];

    #[test]
    fn each_message_is_new_once_in_whatever_order_they_come() {
        let mut seen = Seen::default();
        let numbers = [5, 4, 7, 6, 5_000, 4_999, 3, 8_190, 8_191, 20_000, 19_999];
        for number in numbers {
            assert!(seen.is_new(A, number), "{number}");
        }
        for number in numbers {
            assert!(!seen.is_new(A, number), "{number}");
        }
        assert!(seen.is_new([2; 8], 5), "another process");
        assert!(!seen.is_new(A, 20_000 - WINDOW), "too old to be told from one that came");
        assert!(seen.is_new(A, 20_001 - WINDOW));
        assert!(seen.is_new(A, u64::MAX) && !seen.is_new(A, u64::MAX) && !seen.is_new(A, 20_001));
    }

    #[test]
    fn only_so_many_processes_are_remembered() {
        let mut seen = Seen::default();
        for process in 0..2 * MOST as u64 {
            assert!(seen.is_new(process.to_be_bytes(), 1));
            assert!(seen.is_new(A, process + 1));
        }
        assert!(seen.processes.len() <= MOST);
        assert!(!seen.is_new(A, 1_500), "it was never silent");
    }
}
