//! The promise that the bare server is told to break.

use clap::ValueEnum;

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Fault {
    /// Leaves out every fiftieth publication of a room for one subscriber.
    Lose,
    /// Sends every fiftieth twice.
    Double,
    /// Sends every fiftieth after the one behind it.
    Swap,
    /// Forgets what was published while a subscriber was away, and says that it did not.
    Forget,
}
