//! Recognises variables that an orchestrator sets for services whose name begins with `hubbub`: Kubernetes for each
//! service of the namespace (kubernetes.io, "Discovering services: environment variables"), Docker for each legacy
//! link. They share our prefix, so only their form tells them apart.

/// Whether this is a variable about a service. `name` is without the prefix: `SERVICE_HOST` is about a service
/// `hubbub`, `REDIS_SERVICE_HOST` about `hubbub-redis`.
pub(super) fn is_service_variable(name: &str, value: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    (0..words.len()).any(|start| {
        let of_hubbub = start == 0;
        match &words[start..] {
            ["SERVICE", "HOST"] | ["ENV", _, ..] => true,
            // A named port appends its name.
            ["SERVICE", "PORT", ..] => is_port(value),
            ["PORT"] => is_endpoint(value),
            ["PORT", number, "TCP" | "UDP" | "SCTP", rest @ ..] => {
                is_port(number)
                    && matches!(
                        rest,
                        [] | ["ADDR" | "PORT" | "PROTO" | "START" | "END"] | ["PORT", "START" | "END"]
                    )
            }
            // Docker's `/web/alias`.
            ["NAME"] => of_hubbub || value.starts_with('/'),
            _ => false,
        }
    })
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

/// `tcp://10.0.0.1:80`.
fn is_endpoint(text: &str) -> bool {
    text.split_once("://").is_some_and(|(protocol, address)| {
        matches!(protocol, "tcp" | "udp" | "sctp")
            && address.rsplit_once(':').is_some_and(|(_, port)| is_port(port))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_variables_are_known_by_their_form() {
        for service in ["", "REDIS_", "MY_DB_2_"] {
            for (name, value) in [
                ("SERVICE_HOST", "10.0.0.1"),
                ("SERVICE_PORT", "80"),
                ("SERVICE_PORT_HTTP", "80"),
                ("SERVICE_PORT_HTTP_ALT", "8080"),
                ("PORT", "tcp://10.0.0.1:80"),
                ("PORT", "tcp://[fd00::1]:80"),
                ("PORT_80_TCP", "tcp://10.0.0.1:80"),
                ("PORT_80_TCP_ADDR", "10.0.0.1"),
                ("PORT_80_TCP_PORT", "80"),
                ("PORT_80_TCP_PROTO", "tcp"),
                ("PORT_53_UDP", "udp://10.0.0.1:53"),
                ("PORT_80_TCP_PORT_END", "81"),
                ("NAME", "/web/hubbub"),
                ("ENV_PATH", "/bin"),
                ("ENV_POSTGRES_PASSWORD", ""),
            ] {
                let name = format!("{service}{name}");
                assert!(is_service_variable(&name, value), "{name}={value}");
            }
        }
    }

    #[test]
    fn other_names_and_other_values_are_not() {
        for (name, value) in [
            ("LISTNE", "x"),
            ("PORT", "8080"),
            ("LISTEN_PORT", "8080"),
            ("PORT", "http://10.0.0.1:80"),
            ("PORT", "tcp://10.0.0.1"),
            ("PORT_HTTP_TCP", "80"),
            ("PORT_80_TCP_ADR", "10.0.0.1"),
            ("SERVICE_PORT", "http"),
            ("SERVICE", "x"),
            ("DATABASE_NAME", "hubbub"),
            ("ENV", "production"),
            ("", ""),
        ] {
            assert!(!is_service_variable(name, value), "{name}={value}");
        }
    }
}
