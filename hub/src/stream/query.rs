//! One value of a query string (`application/x-www-form-urlencoded`).

/// `None` if it is missing, or is not UTF-8 once it is decoded.
pub(super) fn value(query: &str, name: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))?.1;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        bytes.push(match (first, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => {
                rest = after;
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                (digit(high)? * 16 + digit(low)?) as u8
            }
            (b'%', _) => return None,
            (other, _) => *other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn values_are_decoded_and_bad_ones_refused() {
        let get = |query: &str| value(query, "cf_connect");
        assert_eq!(get("a=1&cf_connect=%7B%22id%22%3A1%7D").as_deref(), Some("{\"id\":1}"));
        assert_eq!(get("cf_connect=a+b%2Bc%D1%8F").as_deref(), Some("a b+cя"));
        assert_eq!(get("cf_connect=").as_deref(), Some(""));
        for bad in [
            "",
            "cf_connect",
            "xcf_connect=1",
            "cf_connect=%",
            "cf_connect=%7",
            "cf_connect=%zz",
            "cf_connect=%ff",
        ] {
            assert_eq!(get(bad), None, "{bad}");
        }
    }
}
