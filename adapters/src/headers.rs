//! Request headers as the verifiers need them: names without case, values that may repeat, bytes that may not be
//! text. Holds secrets, so it prints names only.

use std::fmt;

/// A case-insensitive multi-map of header values.
#[derive(Clone, Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

/// Why a header that has to stand exactly once cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Missing,
    Repeated,
    NotText,
}

impl Headers {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn insert(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.0.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
    }

    /// Every value under the name, in the order of arrival.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_slice())
    }

    /// The value of a header that has to be there exactly once. Two signatures are as bad as none: which one was
    /// checked would be a matter of luck.
    pub fn only<'a>(&'a self, name: &'a str) -> Result<&'a str, Fault> {
        let mut values = self.all(name);
        let value = values.next().ok_or(Fault::Missing)?;
        if values.next().is_some() {
            return Err(Fault::Repeated);
        }
        std::str::from_utf8(value).map_err(|_| Fault::NotText)
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>> FromIterator<(K, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut headers = Self::new();
        for (name, value) in pairs {
            headers.insert(name.as_ref(), value);
        }
        headers
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case_and_repetition_is_seen() {
        let headers: Headers = [("X-Sign", "a"), ("Other", "b"), ("x-sign", "c")].into_iter().collect();
        assert_eq!(headers.only("OTHER"), Ok("b"));
        assert_eq!(headers.only("x-SIGN"), Err(Fault::Repeated));
        assert_eq!(headers.only("absent"), Err(Fault::Missing));
        assert_eq!(headers.all("X-sign").count(), 2);
    }

    #[test]
    fn values_are_not_printed() {
        let headers: Headers = [("Authorization", "Bearer topsecret")].into_iter().collect();
        assert!(!format!("{headers:?}").contains("topsecret"));
    }
}
