//! From which hosts a file may be fetched, and whether what came is what was promised. A file's host is given the token, so
//! it is never merely whatever an answer names.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use aws_lc_rs::digest::{self, Digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::io::AsyncWrite;
use url::Url;

use super::graph;
use crate::{Account, FetchError, Words, outward};

/// Meta's own.
const HOSTS: &[&str] = &["facebook.com", "fbsbx.com", "fbcdn.net", "cdninstagram.com", "instagram.com"];

/// The address of a file, if the channel may ask there.
pub(crate) fn address(account: &Account, text: &str) -> Result<Url, FetchError> {
    let elsewhere = |host: &str| {
        let host: String = host.chars().take(100).collect();
        FetchError::Refused(Words::from(format!("it lies at {host:?}, which is no host of Meta's")))
    };
    let url = Url::parse(text).map_err(|_| elsewhere(text.split('?').next().unwrap_or_default()))?;
    let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let is_plain = url.username().is_empty() && url.password().is_none();
    let is_meta = HOSTS.iter().any(|known| {
        host.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    });
    let is_allowed = is_meta && url.scheme() == "https" && url.port().is_none()
        || is_server(account, &url)
        || is_listed(account, &url, &host);
    if is_plain && is_allowed { Ok(url) } else { Err(elsewhere(&host)) }
}

/// The same server as the Graph API's, where the installation names one of its own.
fn is_server(account: &Account, url: &Url) -> bool {
    let base = outward::base(account.get("graph_base").unwrap_or(graph::BASE));
    base.is_ok_and(|base| base.origin() == url.origin())
}

fn is_listed(account: &Account, url: &Url, host: &str) -> bool {
    let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
    let listed = account.get("media_hosts").unwrap_or_default();
    let mut listed = listed.split(',').map(|one| one.trim().trim_end_matches('.').to_ascii_lowercase());
    matches!(url.scheme(), "http" | "https")
        && listed.any(|one| {
            !one.is_empty() && (one == host && url.port().is_none() || Some(&one) == with_port.as_ref())
        })
}

/// A sink that counts the digest of what goes through it.
pub(crate) struct Hashed<'a> {
    sink: &'a mut (dyn AsyncWrite + Send + Unpin),
    context: digest::Context,
}

impl<'a> Hashed<'a> {
    pub(crate) fn new(sink: &'a mut (dyn AsyncWrite + Send + Unpin)) -> Self {
        Self { sink, context: digest::Context::new(&digest::SHA256) }
    }

    pub(crate) fn finish(self) -> Digest {
        self.context.finish()
    }
}

impl AsyncWrite for Hashed<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.sink).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            let taken = &bytes[..(*count).min(bytes.len())];
            self.context.update(taken);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.sink).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.sink).poll_shutdown(cx)
    }
}

/// A SHA-256 as Meta writes it, in hexadecimal or in base64; nothing for what is none.
pub(crate) fn sha256(text: &str) -> Option<Vec<u8>> {
    let is_one = |bytes: &Vec<u8>| bytes.len() == digest::SHA256_OUTPUT_LEN;
    hex::decode(text).ok().filter(is_one).or_else(|| BASE64_STANDARD.decode(text).ok().filter(is_one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(settings: &[(&str, &str)]) -> Account {
        let pairs = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Account { external_id: None, settings: pairs.collect(), ..Account::default() }
    }

    #[test]
    fn a_token_goes_to_meta_s_hosts_only() {
        let usual = account(&[]);
        for good in [
            "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1",
            "https://graph.facebook.com/x",
            "https://scontent.xx.fbcdn.net/v/a.jpg",
            "https://FBSBX.com./x",
        ] {
            assert!(address(&usual, good).is_ok(), "{good}");
        }
        for bad in [
            "http://lookaside.fbsbx.com/x",
            "https://lookaside.fbsbx.com:8443/x",
            "https://lookaside.fbsbx.com.example.com/x",
            "https://evilfbsbx.com/x",
            "https://a@fbsbx.com/x",
            "https://fbsbx.com@example.com/x",
            "file:///etc/passwd",
            "nonsense",
            "",
        ] {
            assert!(address(&usual, bad).is_err(), "{bad}");
        }
        let own = account(&[
            ("graph_base", "http://127.0.0.1:4000/graph"),
            ("media_hosts", "files.example.com, files.example.com:8080"),
        ]);
        for good in
            ["http://127.0.0.1:4000/file", "https://files.example.com/a", "http://files.example.com:8080/a"]
        {
            assert!(address(&own, good).is_ok(), "{good}");
        }
        for bad in
            ["http://127.0.0.1:4001/file", "https://127.0.0.1:4000/file", "https://files.example.com:9/a"]
        {
            assert!(address(&own, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_digest_is_read_in_both_spellings() {
        let digest = digest::digest(&digest::SHA256, b"PICTURE");
        for text in [hex::encode(digest.as_ref()), BASE64_STANDARD.encode(digest.as_ref())] {
            assert_eq!(sha256(&text).as_deref(), Some(digest.as_ref()));
        }
        for none in ["", "bm90LWEtcmVhbC1kaWdlc3QtMQ==", "zz"] {
            assert_eq!(sha256(none), None);
        }
    }
}
