//! The wire: commands in, replies and pushes out. The rest of the engine handles typed values only,
//! so a second encoding is a second set of these functions.

pub(crate) mod codes;
