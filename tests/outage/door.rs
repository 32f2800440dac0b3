//! What stands between the server and an emulated provider: calls go through, are answered with a bare 503, or find nobody
//! who listens.

use std::net::SocketAddr;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Html;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Open,
    /// As a proxy before a provider that is away: nothing tells whether the call went on.
    Errors,
    Refuses,
}

pub struct Door {
    address: SocketAddr,
    provider: SocketAddr,
    proxy: SocketAddr,
    way: Way,
    listening: Option<JoinHandle<()>>,
    /// Keeps the port while nobody listens.
    kept: Option<TcpSocket>,
}

impl Door {
    pub async fn to(provider: SocketAddr) -> Self {
        let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let of_proxy = proxy.local_addr().expect("its address");
        let away = async || (StatusCode::SERVICE_UNAVAILABLE, Html("<h1>Service Unavailable</h1>"));
        tokio::spawn(async move { axum::serve(proxy, Router::new().fallback(away)).await });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let listening = Some(tokio::spawn(serve(listener, provider)));
        Self { address, provider, proxy: of_proxy, way: Way::Open, listening, kept: None }
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on; connections that are open are closed.
    pub async fn is(&mut self, way: Way) {
        if self.way == way {
            return;
        }
        self.way = way;
        if let Some(task) = self.listening.take() {
            task.abort();
            let _ = task.await;
        }
        let socket = match self.kept.take() {
            Some(kept) => kept,
            None => bound(self.address),
        };
        let to = match way {
            Way::Open => self.provider,
            Way::Errors => self.proxy,
            Way::Refuses => {
                self.kept = Some(socket);
                return;
            }
        };
        let listener = socket.listen(128).expect("the port is kept");
        self.listening = Some(tokio::spawn(serve(listener, to)));
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(task) = &self.listening {
            task.abort();
        }
    }
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("it may be bound again");
    socket.bind(address).expect("the port is free");
    socket
}

/// Ends with all its connections.
async fn serve(listener: TcpListener, to: SocketAddr) {
    let mut open = JoinSet::new();
    while let Ok((mut socket, _)) = listener.accept().await {
        open.spawn(async move {
            if let Ok(mut there) = TcpStream::connect(to).await {
                let _ = tokio::io::copy_bidirectional(&mut socket, &mut there).await;
            }
        });
        while open.try_join_next().is_some() {}
    }
}
