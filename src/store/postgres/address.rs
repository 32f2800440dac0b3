//! Parses the address of a PostgreSQL server, or of several of which one takes writes, with libpq's TLS parameters
//! `sslmode` and `sslrootcert`.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::store::StoreError;

fn wrong(text: String) -> StoreError {
    StoreError::Engine(text)
}

/// Where the servers are and how their certificates are judged.
pub(in crate::store) struct Address {
    /// The driver's configuration for each server, in the order of the address.
    pub hosts: Vec<Config>,
    pub tls: MakeRustlsConnect,
}

/// As in libpq, `require` encrypts without verifying the server's certificate; `verify-full` (and `verify-ca`, which is
/// treated the same) trusts the system's roots or those of `sslrootcert`. Otherwise than there, a server that takes writes is
/// meant, of several or alone, unless `target_session_attrs` says otherwise: behind one address there may be a former
/// primary for a while.
pub(in crate::store) fn parse(url: &str) -> Result<Address, StoreError> {
    let (plain, mode, roots) = split(url);
    let (ssl, verify) = match mode.as_deref() {
        None | Some("prefer" | "allow") => (SslMode::Prefer, false),
        Some("disable") => (SslMode::Disable, false),
        Some("require") => (SslMode::Require, roots.is_some()),
        Some("verify-ca" | "verify-full") => (SslMode::Require, true),
        Some(other) => {
            return Err(wrong(format!(
                "sslmode={other} is none of disable, prefer, require, verify-ca, verify-full"
            )));
        }
    };
    let urls = each_host(&plain);
    let host = |url: &String| -> Result<Config, StoreError> {
        let mut config: Config =
            url.parse().map_err(|error| wrong(format!("the database's address: {error}")))?;
        config.ssl_mode(ssl);
        if config.get_target_session_attrs() == TargetSessionAttrs::Any && !asks_for_any(&plain) {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if config.get_application_name().is_none() {
            config.application_name("hubbub");
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(std::time::Duration::from_secs(10));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(std::time::Duration::from_secs(5));
        }
        Ok(config)
    };
    let hosts = urls.iter().map(host).collect::<Result<_, _>>()?;
    Ok(Address { hosts, tls: MakeRustlsConnect::new(tls(verify, roots.as_deref())?) })
}

/// The same for standbys: of several servers those that take writes are passed over. Whether a single one is a standby is
/// asked with every read.
pub(in crate::store) fn parse_replica(url: &str) -> Result<Address, StoreError> {
    let mut address = parse(url)?;
    let wanted = match address.hosts.len() {
        1 => TargetSessionAttrs::Any,
        _ => TargetSessionAttrs::ReadOnly,
    };
    for host in &mut address.hosts {
        host.target_session_attrs(wanted);
    }
    Ok(address)
}

fn asks_for_any(url: &str) -> bool {
    url.contains("target_session_attrs=any")
}

/// `postgres://who@a:1,b:2/database` as an address for each of its servers.
fn each_host(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else { return vec![url.to_owned()] };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (who, hosts) = match authority.rsplit_once('@') {
        Some((who, hosts)) => (format!("{who}@"), hosts),
        None => (String::new(), authority),
    };
    hosts.split(',').map(|host| format!("{scheme}://{who}{host}{tail}")).collect()
}

/// Splits off `sslmode` and `sslrootcert`, which the driver does not accept as we do.
fn split(url: &str) -> (String, Option<String>, Option<String>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), None, None) };
    let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode" | "ssl-mode", value)) => mode = Some(value.to_owned()),
            Some(("sslrootcert" | "ssl-root-cert", value)) => roots = Some(value.replace("%2F", "/")),
            _ => rest.push(pair),
        }
    }
    let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    (plain, mode, roots)
}

fn tls(verify: bool, roots: Option<&str>) -> Result<ClientConfig, StoreError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(format!("TLS: {error}")))?;
    if !verify {
        let anybody = Arc::new(Anybody(provider));
        return Ok(builder.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth());
    }
    let mut store = RootCertStore::empty();
    match roots {
        Some(file) => {
            let certificates = CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| wrong(format!("sslrootcert={file}: {error}")))?;
            store.add_parsable_certificates(certificates);
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() {
        return Err(wrong("there is no root certificate to believe: give sslrootcert=FILE".to_owned()));
    }
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}

/// Accepts any certificate: `sslmode=require` encrypts without verifying the server.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_how_far_the_server_is_trusted() {
        let mode = |url: &str| parse(url).map(|address| address.hosts[0].get_ssl_mode());
        assert_eq!(mode("postgres://hub@127.0.0.1:5432/hub").ok(), Some(SslMode::Prefer));
        assert_eq!(mode("postgres://hub@db/hub?sslmode=disable").ok(), Some(SslMode::Disable));
        assert_eq!(
            mode("postgres://hub@db/hub?sslmode=require&connect_timeout=3").ok(),
            Some(SslMode::Require)
        );
        let unknown = mode("postgres://hub@db/hub?sslmode=maybe").expect_err("refused").to_string();
        assert!(unknown.contains("verify-full"), "{unknown}");
        let no_file = mode("postgres://hub@db/hub?sslmode=verify-full&sslrootcert=/no/such.pem");
        assert!(no_file.map(|_| ()).expect_err("refused").to_string().contains("/no/such.pem"));
    }
    #[test]
    fn each_server_of_an_address_is_tried_alone_and_has_to_take_writes() {
        use tokio_postgres::config::Host;
        let parsed = parse(
            "postgres://hub:a%40b@one:5433,two,[2001:db8::1]:5434/hub?sslmode=disable&connect_timeout=2",
        )
        .map_err(|error| error.to_string())
        .expect("valid");
        let told: Vec<_> = parsed
            .hosts
            .iter()
            .map(|host| {
                assert_eq!(host.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
                assert_eq!((host.get_dbname(), host.get_password()), (Some("hub"), Some(&b"a@b"[..])));
                assert_eq!(host.get_connect_timeout(), Some(&std::time::Duration::from_secs(2)));
                let Host::Tcp(name) = &host.get_hosts()[0] else { panic!("a name") };
                (name.clone(), host.get_ports().first().copied().unwrap_or(5432))
            })
            .collect();
        let expected = [("one", 5433), ("two", 5432), ("2001:db8::1", 5434)];
        assert_eq!(told, expected.map(|(name, port)| (name.to_owned(), port)));
        let alone = parse("postgres://hub@one/hub").map_err(|error| error.to_string()).expect("valid");
        assert_eq!(alone.hosts[0].get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        let any = parse("postgres://hub@one,two/hub?target_session_attrs=any");
        let any = any.map_err(|error| error.to_string()).expect("valid");
        assert_eq!(any.hosts[1].get_target_session_attrs(), TargetSessionAttrs::Any);
        let replica = parse_replica("postgres://hub@one,two/hub").map_err(|error| error.to_string());
        let replica = replica.expect("valid");
        assert_eq!(replica.hosts[1].get_target_session_attrs(), TargetSessionAttrs::ReadOnly);
        let replica =
            parse_replica("postgres://hub@one/hub").map_err(|error| error.to_string()).expect("valid");
        assert_eq!(replica.hosts[0].get_target_session_attrs(), TargetSessionAttrs::Any);
    }
}
