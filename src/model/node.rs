//! How a node of the installation is, as it says itself and as others see it.

use super::text_enum;

text_enum!(
    /// How a node is.
    NodeState {
        Ready = "ready",
        /// It runs, and nothing new should be sent to it: `reason` says why.
        NotReady = "not_ready",
        /// It is being stopped.
        Draining = "draining",
        /// Nothing was heard of it for a while: it is dead, or does not reach the database. No node says so of itself.
        Silent = "silent",
    }
);

text_enum!(
    /// Why a node is not ready.
    NodeReason {
        /// Nothing comes through the bus to the other nodes.
        Bus = "bus",
        /// It has no file descriptors left for further connections.
        Descriptors = "descriptors",
    }
);

text_enum!(
    /// The way from a node to the others.
    NodeBus {
        /// There is no bus.
        Alone = "alone",
        Up = "up",
        Down = "down",
    }
);
