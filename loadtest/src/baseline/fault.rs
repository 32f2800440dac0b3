//! The faults that the bare server can inject.

use clap::ValueEnum;

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Fault {
    /// Leaves out every fiftieth publication of a room for one subscriber.
    Lose,
    /// Sends every fiftieth publication twice.
    Double,
    /// Swaps every fiftieth publication with the next one.
    Swap,
    /// Loses the publications of a subscriber's absence and still reports `recovered`.
    Forget,
}
