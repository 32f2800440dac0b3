//! A listener inside, which must hear nothing. Shared with the tests of the whole server.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Listens, and counts who came.
pub struct Deaf {
    pub address: SocketAddr,
    heard: Arc<AtomicUsize>,
}

impl Deaf {
    pub async fn at(address: &str) -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(address).await?;
        let (address, heard) = (listener.local_addr()?, Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&heard);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Ok(Self { address, heard })
    }

    pub fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }
}
