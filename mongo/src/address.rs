//! The address of MongoDB as logs may show it.

/// Without its name, its password and its options.
pub fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "an address without a scheme".to_owned() };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    // A password may hold a slash that is not escaped: all up to the last @ goes.
    let hosts = rest.rfind('@').map_or(&rest[..end], |at| {
        let after = &rest[at + 1..];
        &after[..after.find(['/', '?']).unwrap_or(after.len())]
    });
    format!("{scheme}://{hosts}")
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn no_name_no_password_and_no_option_is_told() {
        for (url, told) in [
            ("mongodb://127.0.0.1:27017", "mongodb://127.0.0.1:27017"),
            (
                "mongodb://ann:hush@a.example.com,b.example.com/x?tls=true",
                "mongodb://a.example.com,b.example.com",
            ),
            ("mongodb+srv://ann:hu/sh@c.example.com/?authSource=admin", "mongodb+srv://c.example.com"),
            ("mongodb://ann:h@sh@c.example.com", "mongodb://c.example.com"),
            ("hush", "an address without a scheme"),
        ] {
            assert_eq!(redacted(url), told);
        }
    }
}
