//! The negotiation of permessage-deflate (RFC 7692, section 7.1): which of the client's offers is accepted.

use super::deflate::WINDOW_BITS;

/// The answering `Sec-WebSocket-Extensions`; `None` if no offer in the header's lines is accepted.
pub(super) fn answer<'a>(lines: impl Iterator<Item = &'a str>) -> Option<String> {
    lines.flat_map(|line| line.split(',')).find_map(one)
}

fn one(offer: &str) -> Option<String> {
    let mut parts = offer.split(';').map(str::trim);
    if parts.next() != Some("permessage-deflate") {
        return None;
    }
    let mut windowed = false;
    let mut seen = Vec::new();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(window_bits(value)?)),
            None => (part, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            // Any window of the client can be read.
            ("server_no_context_takeover" | "client_no_context_takeover", None)
            | ("client_max_window_bits", _) => {}
            ("server_max_window_bits", Some(bits)) if bits >= WINDOW_BITS => windowed = true,
            _ => return None,
        }
    }
    let window = if windowed { format!("; server_max_window_bits={WINDOW_BITS}") } else { String::new() };
    Some(format!("permessage-deflate; server_no_context_takeover; client_no_context_takeover{window}"))
}

/// The only parameters with a value are window sizes.
fn window_bits(value: &str) -> Option<u8> {
    let value = value.trim();
    let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    (8..=15).find(|bits: &u8| bits.to_string() == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    #[test]
    fn offers_of_the_usual_clients() {
        for offer in ["permessage-deflate", "permessage-deflate; client_max_window_bits", PLAIN] {
            assert_eq!(answer([offer].into_iter()).as_deref(), Some(PLAIN), "{offer}");
        }
        let small = "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12";
        let windowed = format!("{PLAIN}; server_max_window_bits=12");
        assert_eq!(answer([small].into_iter()), Some(windowed.clone()));
        assert_eq!(answer(["permessage-deflate;server_max_window_bits=\"15\""].into_iter()), Some(windowed));
    }

    #[test]
    fn the_first_acceptable_offer_counts() {
        let lines = ["x-other, permessage-deflate; server_max_window_bits=9", "permessage-deflate"];
        assert_eq!(answer(lines.into_iter()).as_deref(), Some(PLAIN));
    }

    #[test]
    fn unacceptable_offers_are_declined() {
        for offer in [
            "",
            "x-webkit-deflate-frame",
            "permessage-deflate; server_max_window_bits=11",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=012",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; client_max_window_bits=x",
            "permessage-deflate; client_max_window_bits; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover=12",
            "permessage-deflate; mystery",
            "permessage-deflate;",
        ] {
            assert_eq!(answer([offer].into_iter()), None, "{offer}");
        }
    }
}
