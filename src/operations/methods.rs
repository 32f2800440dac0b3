//! The socket's methods, found by their names.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hub::ErrorReply;
use serde_json::value::RawValue;

use super::caller::Guard;
use super::entry::{Call, Called, Operation};
use super::table;

static METHODS: LazyLock<BTreeMap<&'static str, (Guard, Called)>> = LazyLock::new(|| {
    let called = |one: Operation| Some((one.name, (one.guard, one.method?)));
    table().into_iter().filter_map(called).collect()
});

/// Runs a socket method.
pub(crate) async fn call(method: &str, call: Call<'_>) -> Result<Box<RawValue>, ErrorReply> {
    let (guard, called) = METHODS.get(method).ok_or(ErrorReply::METHOD_NOT_FOUND)?;
    called(call, *guard).await
}

/// The method's name as the table has it; `None` for what a client made up, which is no name for a log or a trace.
pub(crate) fn name_of(method: &str) -> Option<&'static str> {
    METHODS.get_key_value(method).map(|(name, _)| *name)
}
