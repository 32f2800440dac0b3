//! What a text names as a database: a PostgreSQL server, or plainly a SQLite file. The password of an address in a form that is
//! not read would otherwise become a part of a file's name.

pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// `sqlite:PATH`, or a path: with one of `:`, `=` and `@` in it only if it begins as a path does.
pub fn names_file(url: &str) -> bool {
    if url.starts_with("sqlite:") {
        return true;
    }
    let is_name = !url.is_empty() && !url.contains([':', '=', '@']);
    !url.starts_with("//") && (is_name || url.starts_with(['/', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_a_form_that_is_not_read_is_no_file() {
        for path in [
            "hubbub.db",
            "data/hub.db",
            "my data/hub.db",
            "./a:b.db",
            "../hub.db",
            "/var/lib/hubbub/env=prod/hub.db",
            "sqlite:hub.db",
            "sqlite:///var/lib/hub.db",
        ] {
            assert!(names_file(path) && !is_postgres(path), "{path}");
        }
        for address in [
            "",
            "host=127.0.0.1 user=hub password=hush dbname=hub",
            "postgres:/hub:hush@db/hub",
            "postgresql:hub",
            "Postgres://hub:hush@db/hub",
            "mysql://hub:hush@db/hub",
            "hub:hush@db/hub",
            "//hub:hush@db/hub",
            "db:5432/hub",
        ] {
            assert!(!names_file(address) && !is_postgres(address), "{address}");
        }
    }
}
