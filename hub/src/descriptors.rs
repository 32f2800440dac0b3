//! The file descriptors of the process. Every connection takes one, and so does every file of the store and every call
//! to elsewhere: the last ones are kept from connections, so that a crowd at the door stops nothing inside.
//!
//! A new descriptor gets the lowest free number (POSIX). So the number of a connection says how many there are
//! already, without counting, and whoever sends away what has a high number keeps the high numbers free.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{net::TcpStream, time::Instant};

use crate::{lock::lock, stats::count};

/// Between two lines of the log about one shortage.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Fewer free places than this are a shortage.
const FEW: usize = 8;

/// How many descriptors there may be, and who may have the last ones. Clones are the same.
#[derive(Clone, Debug)]
pub struct Descriptors {
    limit: usize,
    /// Connections have numbers below this,
    connections: usize,
    /// and those that stay, below this.
    sockets: usize,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    refused: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Descriptors {
    /// Raises the limit of the process as far as the system lets it. `own` descriptors are kept from all
    /// connections, and `passing` more from those that stay, so that requests still get through;
    /// at most a quarter and an eighth of all, where the limit is low.
    pub fn raise(own: usize, passing: usize) -> Self {
        Self::of(os::raise(), own, passing)
    }

    fn of(limit: usize, own: usize, passing: usize) -> Self {
        let connections = limit - own.min(limit / 4);
        let sockets = connections - passing.min(limit / 8);
        Descriptors { limit, connections, sockets, shared: Arc::default() }
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Of all connections together, how many may say goodbye at a time.
    pub(crate) fn farewells(&self) -> usize {
        (self.limit - self.connections) / 4
    }

    /// Whether a connection may be taken in.
    pub fn may_enter(&self, stream: &TcpStream) -> bool {
        os::number(stream) < self.connections
    }

    /// Whether a connection may become one that stays.
    pub fn may_stay(&self, stream: &TcpStream) -> bool {
        os::number(stream) < self.sockets
    }

    /// Whether there is no place for a few more connections that stay; for the very next one there may be. Opens files
    /// to see, so it needs no memory of what was.
    pub fn are_short(&self) -> bool {
        let probes: Vec<_> = (0..FEW).map_while(|_| Spare::take()).collect();
        probes.len() < FEW || probes.iter().any(|probe| probe.number() >= self.sockets)
    }

    /// Counts a connection that was sent away, and says so in the log now and then.
    pub fn refuse(&self) {
        count(&self.shared.refused);
        let mut told = lock(&self.shared.told);
        if told.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            *told = Some(Instant::now());
            let (limit, refused) = (self.limit, self.refused());
            tracing::warn!(limit, refused, "file descriptors are short: new connections are refused");
        }
    }

    /// Sent away since the start.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Relaxed)
    }
}

pub(crate) use os::{Spare, is_shortage};

#[cfg(unix)]
mod os {
    use std::{
        fs::File,
        os::fd::{AsFd, AsRawFd},
    };

    use rustix::{
        io::Errno,
        process::{Resource, Rlimit, getrlimit, setrlimit},
    };

    use super::io;

    /// Gives the limit that holds from now on.
    pub(super) fn raise() -> usize {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if current == maximum {
        } else if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
            tracing::warn!(%error, "the limit of file descriptors could not be raised");
        }
        let now = getrlimit(Resource::Nofile).current;
        now.and_then(|now| usize::try_from(now).ok()).unwrap_or(usize::MAX)
    }

    pub(super) fn number(of: impl AsFd) -> usize {
        usize::try_from(of.as_fd().as_raw_fd()).unwrap_or(usize::MAX)
    }

    /// A descriptor held to be let go when there is no other.
    pub(crate) struct Spare(File);

    impl Spare {
        pub(crate) fn take() -> Option<Self> {
            File::open("/dev/null").ok().map(Spare)
        }

        pub(super) fn number(&self) -> usize {
            number(&self.0)
        }
    }

    /// Of the process, or of the whole system.
    pub(crate) fn is_shortage(error: &io::Error) -> bool {
        matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
    }
}

/// Nothing is known of the limit elsewhere, and nothing is kept back.
#[cfg(not(unix))]
mod os {
    use super::{TcpStream, io};

    pub(super) fn raise() -> usize {
        usize::MAX
    }

    pub(super) fn number(_: &TcpStream) -> usize {
        0
    }

    pub(crate) struct Spare;

    impl Spare {
        pub(crate) fn take() -> Option<Self> {
            Some(Spare)
        }

        pub(super) fn number(&self) -> usize {
            0
        }
    }

    pub(crate) fn is_shortage(_: &io::Error) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_limits_keep_back_less() {
        let kept = |limit| {
            let d = Descriptors::of(limit, 72, 64);
            (d.limit - d.connections, d.connections - d.sockets)
        };
        assert_eq!(kept(20_000), (72, 64));
        assert_eq!(kept(200), (50, 25));
        assert_eq!(kept(0), (0, 0));
    }

    #[cfg(unix)]
    #[test]
    fn short_is_when_the_free_numbers_are_high() {
        assert!(Descriptors::of(0, 0, 0).are_short());
        assert!(!Descriptors::raise(0, 0).are_short());
    }
}
