//! An address of the configuration as logs, the doctor and refusals may show it.

/// Without a name and a password, and without what follows its path, where tokens may be.
pub fn redacted(address: &str) -> String {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), address),
    };
    // A password may hold any sign that is not escaped: all up to the last @ goes.
    let rest = rest.rsplit_once('@').map_or(rest, |(_, after)| after);
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    format!("{scheme}{}", &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn no_name_no_password_and_no_option_is_told() {
        for (address, told) in [
            ("mongodb://127.0.0.1:27017", "mongodb://127.0.0.1:27017"),
            (
                "mongodb://ann:hush@a.example.com,b.example.com/x?tls=true",
                "mongodb://a.example.com,b.example.com/x",
            ),
            ("mongodb+srv://ann:hu/sh@c.example.com/?authSource=admin", "mongodb+srv://c.example.com/"),
            ("mongodb://ann:h@sh@c.example.com", "mongodb://c.example.com"),
            ("mongodb://ann:hu?s#h@c.example.com", "mongodb://c.example.com"),
            ("https://s3.example.com/files#hush", "https://s3.example.com/files"),
            ("https://hush@s3.example.com", "https://s3.example.com"),
            ("ann:hush@hub.example.com", "hub.example.com"),
            ("hub.example.com", "hub.example.com"),
            ("", ""),
        ] {
            assert_eq!(redacted(address), told);
        }
    }
}
