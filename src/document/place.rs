//! Finds the path of keys at which parsing of a JSON text stopped.

/// The path of keys (`settings.quiet_ms`) at a line and column as serde_json counts them.
pub(super) fn field_at(text: &[u8], line: usize, column: usize) -> Option<String> {
    let start: usize =
        text.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    let end = (start + column).min(text.len());
    // The newest key of each open object; `None` for an open array.
    let mut open: Vec<Option<String>> = Vec::new();
    let (mut at, mut word) = (0, None);
    while at < end {
        match text[at] {
            b'"' => {
                let from = at + 1;
                at = from;
                while at < end && text[at] != b'"' {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                word = Some(String::from_utf8_lossy(&text[from..at.min(end)]).into_owned());
            }
            b':' => {
                if let Some(key) = open.last_mut() {
                    *key = word.take();
                }
            }
            b',' => {
                if let Some(key) = open.last_mut() {
                    *key = None;
                }
            }
            b'{' | b'[' => open.push(None),
            // If a field is missing, parsing stopped at the closing bracket of its object.
            b'}' | b']' => drop(open.pop()),
            _ => {}
        }
        at += 1;
    }
    let path: Vec<String> = open.into_iter().flatten().collect();
    (!path.is_empty()).then(|| path.join("."))
}

/// The first word in backticks: serde's name of a missing or unknown field.
pub(super) fn quoted(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('`')?;
    rest.split_once('`').map(|(word, _)| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_place_in_any_bytes_is_survived() {
        proptest::proptest!(|(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60), line in 0usize..4, column in 0usize..80)| {
            let _ = field_at(&bytes, line, column);
        });
    }
}
