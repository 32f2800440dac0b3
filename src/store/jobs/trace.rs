//! The trace of what caused a job, in its payload: a JSON object, whose type skips a field that is not its own.

use serde::Deserialize;

use super::Job;
use crate::telemetry::traces::{self, Trace};

#[derive(Deserialize)]
struct Traced<'a> {
    trace: &'a str,
}

/// A payload with its trace, if there is one.
pub(super) fn with(payload: String, trace: Option<Trace>) -> String {
    match (payload.strip_suffix('}'), trace) {
        (Some(fields), Some(trace)) if fields.len() > 1 => format!("{fields},\"trace\":\"{trace}\"}}"),
        _ => payload,
    }
}

fn of(payload: &str) -> Option<Trace> {
    let Traced { trace } = serde_json::from_str(payload).ok()?;
    Trace::parse(trace).map(|(trace, _)| trace)
}

impl Job {
    /// The trace of what caused the job, if traces are on.
    pub fn trace(&self) -> Option<Trace> {
        of(self.payload.as_deref().filter(|_| traces::are_on())?)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::jobs::Deliver;

    #[test]
    fn a_trace_goes_with_a_payload_and_its_type_does_not_mind() {
        let deliver = Deliver { delivery: Uuid::from_u128(7) };
        let plain = serde_json::to_string(&deliver).expect("text");
        let trace = Trace { trace_id: [1; 16], span_id: [2; 8] };
        let payload = with(plain.clone(), Some(trace));
        assert_eq!(of(&payload), Some(trace));
        assert_eq!(serde_json::from_str::<Deliver>(&payload).expect("a payload"), deliver);
        assert_eq!(with(plain.clone(), None), plain);
        assert_eq!((of(&plain), with("{}".into(), Some(trace))), (None, "{}".into()));
    }
}
