//! What the variables of the standard say of traces, as far as that is decided here. A cluster sets them for whatever
//! runs in it: one that cannot be used costs the traces, and not the start.

use axum::http::Uri;
use url::Url;

/// The setting of our own configuration, which goes before the variables.
pub(super) const SETTING: &str = "telemetry.otlp_url";

/// Turn traces off with these values, wherever a collector is named.
const OFF: [(&str, &str); 2] = [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")];

/// Beneath the address of a collector, by the specification of OTLP.
const PATH: &str = "/v1/traces";

/// With what comes after their values. The first is an address for traces alone, which stands as it is.
const ENDPOINTS: [(&str, &str); 2] =
    [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""), ("OTEL_EXPORTER_OTLP_ENDPOINT", PATH)];

/// Where spans are to go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Nobody names a collector.
    Nowhere,
    /// A collector is named, and this variable turns traces off.
    Off(&'static str),
    /// This variable is to name a collector, and holds no address.
    NoAddress(&'static str),
    /// `named_by`: [`SETTING`] or a variable.
    Collector { url: String, named_by: &'static str },
}

/// A variable of the process. An empty one counts as missing, by the standard.
pub(super) fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?.to_string_lossy().trim().to_owned();
    (!value.is_empty()).then_some(value)
}

pub(super) fn target(otlp_url: &str, variable: impl Fn(&str) -> Option<String>) -> Target {
    let named = if otlp_url.is_empty() {
        ENDPOINTS.into_iter().find_map(|(name, path)| Some((variable(name)?, path, name)))
    } else {
        Some((otlp_url.to_owned(), PATH, SETTING))
    };
    let Some((address, path, named_by)) = named else { return Target::Nowhere };
    let is_set = |(name, value): &(&'static str, &str)| {
        variable(name).is_some_and(|found| found.eq_ignore_ascii_case(value))
    };
    if let Some((name, _)) = OFF.iter().find(|off| is_set(off)) {
        return Target::Off(name);
    }
    // The setting was checked with the configuration.
    if named_by != SETTING && !is_address(&address) {
        return Target::NoAddress(named_by);
    }
    let url = if path.is_empty() { address } else { format!("{}{path}", address.trim_end_matches('/')) };
    Target::Collector { url, named_by }
}

/// `collector:4317` is none, though it is what exporters over gRPC take.
fn is_address(text: &str) -> bool {
    let is_http =
        Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    is_http && text.parse::<Uri>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const OF_TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

    fn with(otlp_url: &str, variables: &[(&str, &str)]) -> Target {
        target(otlp_url, |name| {
            variables.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn collector(url: &str, named_by: &'static str) -> Target {
        Target::Collector { url: url.to_owned(), named_by }
    }

    #[test]
    fn the_setting_goes_before_the_variables_and_the_one_for_traces_before_the_other() {
        assert_eq!(with("", &[]), Target::Nowhere);
        let all = (ALL, "http://all:4318/");
        let traces = (OF_TRACES, "https://traces/here");
        assert_eq!(with("", &[all]), collector("http://all:4318/v1/traces", ALL));
        assert_eq!(with("", &[all, traces]), collector("https://traces/here", OF_TRACES));
        assert_eq!(
            with("http://own:4318/under", &[all, traces]),
            collector("http://own:4318/under/v1/traces", SETTING)
        );
    }

    #[test]
    fn variables_turn_traces_off() {
        let named = (ALL, "http://all:4318");
        for (name, value) in [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_SDK_DISABLED", "True")] {
            assert_eq!(with("", &[(name, value)]), Target::Nowhere);
            assert_eq!(with("", &[named, (name, value)]), Target::Off(name));
            assert_eq!(with("http://own:4318", &[(name, value)]), Target::Off(name));
            // What is off needs no address.
            assert_eq!(with("", &[(ALL, "collector:4317"), (name, value)]), Target::Off(name));
        }
        for (name, value) in [("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_SDK_DISABLED", "false")] {
            assert_eq!(with("", &[named, (name, value)]), collector("http://all:4318/v1/traces", ALL));
        }
    }

    #[test]
    fn a_variable_without_an_address_is_named() {
        for bad in [
            "collector:4317",
            "collector",
            "localhost:4318/v1",
            "grpc://collector:4317",
            "http://",
            "http://a b",
        ] {
            for name in [ALL, OF_TRACES] {
                assert_eq!(with("", &[(name, bad)]), Target::NoAddress(name), "{bad}");
                // It is nobody's matter where the setting names a collector.
                let own = collector("http://own:4318/v1/traces", SETTING);
                assert_eq!(with("http://own:4318", &[(name, bad)]), own, "{bad}");
            }
        }
    }
}
