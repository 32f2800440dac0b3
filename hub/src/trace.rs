//! What ties a publication to the trace of what caused it. The engine carries it with the publication, also to other
//! nodes, and says when it was handed out. It makes no spans.

use std::{fmt, time::Duration};

/// A span that is recorded, as others name their parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
}

impl Trace {
    /// A `traceparent` of W3C Trace Context, and whether it says that its span is recorded.
    pub fn parse(text: &str) -> Option<(Trace, bool)> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // Later versions may have more parts.
        if version.len() != 2 || version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let ([_], [flags]) = (from_hex::<1>(version)?, from_hex::<1>(flags)?);
        let trace = Trace { trace_id: from_hex(trace)?, span_id: from_hex(span)? };
        let is_nothing = trace.trace_id == [0; 16] || trace.span_id == [0; 8];
        (!is_nothing).then_some((trace, flags & 1 == 1))
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        [&self.trace_id[..], &self.span_id[..]].concat()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Trace> {
        let (trace_id, span_id) = bytes.split_first_chunk::<16>()?;
        Some(Trace { trace_id: *trace_id, span_id: span_id.try_into().ok()? })
    }
}

/// As a `traceparent`.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex =
            |f: &mut fmt::Formatter<'_>, bytes: &[u8]| bytes.iter().try_for_each(|b| write!(f, "{b:02x}"));
        f.write_str("00-")?;
        hex(f, &self.trace_id)?;
        f.write_str("-")?;
        hex(f, &self.span_id)?;
        f.write_str("-01")
    }
}

/// Lower-case hexadecimal digits of just so many bytes.
fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
    }
    Some(bytes)
}

/// Hears of publications that carry a trace.
pub trait TraceListener: Send + Sync {
    /// A publication is in the queues of those members of the room who want it. Called in the fan-out: it must be short.
    fn handed_out(&self, handed: &HandedOut<'_>);
}

/// A publication that was handed out.
#[derive(Debug)]
pub struct HandedOut<'a> {
    pub trace: Trace,
    pub room: &'a str,
    /// 0 for an ephemeral one.
    pub offset: u64,
    /// Members of the room on this node.
    pub members: usize,
    /// For all of them.
    pub took: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_read_and_written() {
        let (trace, is_recorded) = Trace::parse(TEXT).unwrap();
        assert!(is_recorded && trace.to_string() == TEXT);
        assert_eq!(Trace::from_bytes(&trace.to_bytes()), Some(trace));
        assert!(!Trace::parse(&TEXT.replace("-01", "-00")).unwrap().1);
        assert!(Trace::parse(&TEXT.replace("00-", "cc-").replace("-01", "-01-more")).is_some());
        for bad in [
            "",
            "00",
            &TEXT.replace("00-", "ff-"),
            &TEXT.replace("-01", "-01-more"),
            &TEXT.replace("0af7651916cd43dd8448eb211c80319c", "00000000000000000000000000000000"),
            &TEXT.replace("b7ad6b7169203331", "0000000000000000"),
            &TEXT.replace("b7ad6b7169203331", "B7AD6B7169203331"),
            &TEXT.replace("b7ad6b7169203331", "b7ad6b71692033"),
        ] {
            assert_eq!(Trace::parse(bad), None, "{bad}");
        }
        assert_eq!(Trace::from_bytes(&[1; 23]), None);
    }
}
