//! Parses the address of a PostgreSQL server, with libpq's TLS parameters `sslmode` and `sslrootcert`.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::store::StoreError;

fn wrong(text: String) -> StoreError {
    StoreError::Engine(text)
}

/// The driver's configuration and its TLS. As in libpq, `require` encrypts without verifying the server's
/// certificate; `verify-full` (and `verify-ca`, which is treated the same) trusts the system's roots or those of
/// `sslrootcert`.
pub(in crate::store) fn parse(url: &str) -> Result<(Config, MakeRustlsConnect), StoreError> {
    let (plain, mode, roots) = split(url);
    let mut config: Config =
        plain.parse().map_err(|error| wrong(format!("the database's address: {error}")))?;
    let verify = match mode.as_deref() {
        None | Some("prefer" | "allow") => {
            config.ssl_mode(SslMode::Prefer);
            false
        }
        Some("disable") => {
            config.ssl_mode(SslMode::Disable);
            false
        }
        Some("require") => {
            config.ssl_mode(SslMode::Require);
            roots.is_some()
        }
        Some("verify-ca" | "verify-full") => {
            config.ssl_mode(SslMode::Require);
            true
        }
        Some(other) => {
            return Err(wrong(format!(
                "sslmode={other} is none of disable, prefer, require, verify-ca, verify-full"
            )));
        }
    };
    if config.get_application_name().is_none() {
        config.application_name("hubbub");
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(std::time::Duration::from_secs(10));
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(std::time::Duration::from_secs(5));
    }
    Ok((config, MakeRustlsConnect::new(tls(verify, roots.as_deref())?)))
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
        let mode = |url: &str| parse(url).map(|(config, _)| config.get_ssl_mode());
        assert_eq!(mode("postgres://hub@127.0.0.1:5432/hub").ok(), Some(SslMode::Prefer));
        assert_eq!(mode("postgres://hub@db/hub?sslmode=disable").ok(), Some(SslMode::Disable));
        assert_eq!(
            mode("postgres://hub@db/hub?sslmode=require&connect_timeout=3").ok(),
            Some(SslMode::Require)
        );
        let unknown = mode("postgres://hub@db/hub?sslmode=maybe").expect_err("refused").to_string();
        assert!(unknown.contains("verify-full"), "{unknown}");
        let no_file = mode("postgres://hub@db/hub?sslmode=verify-full&sslrootcert=/no/such.pem");
        assert!(no_file.expect_err("refused").to_string().contains("/no/such.pem"));
    }
}
