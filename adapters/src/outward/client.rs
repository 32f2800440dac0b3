//! The HTTP client that every provider is called with. It has no way to send a request that was not judged.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{IntoUrl, Method, Response};
use serde::Serialize;

use super::{NotPublic, Outward};
use crate::call::{Failure, lost};

/// Calls what [`Outward`] lets it call.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    outward: Outward,
}

/// The client that the providers expect: it follows no redirects (a provider's answer must not lead it into our own
/// network), and gives a call up after `timeout`, which turns a send into
/// [`SendOutcome::Unknown`](crate::SendOutcome::Unknown).
pub fn http_client(timeout: Duration, outward: &Outward) -> reqwest::Result<Client> {
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        // A proxy would resolve and connect for us, unjudged.
        .no_proxy()
        .dns_resolver(outward.clone())
        // Has to end first: an open question whether anything was sent is worse than a failed connection.
        .connect_timeout((timeout / 2).min(Duration::from_secs(10)))
        .timeout(timeout)
        // Shorter than the idle limits of the servers, so that few sends meet a connection that is just being closed.
        .pool_idle_timeout(Duration::from_secs(20))
        .user_agent(concat!("hubbub/", env!("CARGO_PKG_VERSION")))
        .build()?;
    Ok(Client { http, outward: outward.clone() })
}

impl Client {
    pub fn outward(&self) -> &Outward {
        &self.outward
    }

    pub(crate) fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    pub(crate) fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// An address that cannot be parsed fails in [`RequestBuilder::send`], like one that is not public.
    pub(crate) fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder { request: self.http.request(method, url), outward: self.outward.clone() }
    }
}

/// A request that is judged when it is sent.
#[must_use]
pub struct RequestBuilder {
    request: reqwest::RequestBuilder,
    outward: Outward,
}

impl RequestBuilder {
    fn map(self, change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Self {
        Self { request: change(self.request), outward: self.outward }
    }

    pub(crate) fn header(self, name: &'static str, value: &str) -> Self {
        self.map(|request| request.header(name, value))
    }

    pub(crate) fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        self.map(|request| request.json(body))
    }

    pub(crate) fn body(self, body: Bytes) -> Self {
        self.map(|request| request.body(body))
    }

    /// A body that is read while it is sent; its length is a header's matter.
    pub(crate) fn stream(
        self,
        body: impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Self {
        self.map(|request| request.body(reqwest::Body::wrap_stream(body)))
    }

    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header("content-type", "application/x-www-form-urlencoded").body(form.into())
    }

    pub(crate) fn timeout(self, timeout: Duration) -> Self {
        self.map(|request| request.timeout(timeout))
    }

    /// The address is judged as it will be called, whatever has been done to it since it was given.
    pub(crate) async fn send(self) -> Result<Response, Failure> {
        let (http, request) = self.request.build_split();
        let request = request.map_err(lost)?;
        self.outward.judge(request.url()).map_err(|NotPublic| Failure::not_public())?;
        http.execute(request).await.map_err(lost)
    }
}
