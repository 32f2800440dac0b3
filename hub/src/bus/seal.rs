//! What goes over a bus may be closed to everybody but the nodes.

/// Closes messages on their way through a server that others may read and write: they learn nothing, and what they publish
/// is not taken. Every node of an installation has the same one.
pub trait Seal: Send + Sync + 'static {
    /// What is sealed for one channel opens in no other. `None`: it cannot be sealed, and is not sent.
    fn seal(&self, channel: &str, plain: Vec<u8>) -> Option<Vec<u8>>;

    /// `None`: it was sealed with another key, for another channel, or not at all.
    fn open(&self, channel: &str, sealed: Vec<u8>) -> Option<Vec<u8>>;
}
