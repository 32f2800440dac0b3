//! As much of a pooler in transaction mode as a server sees before it refuses it: a client has a session of PostgreSQL from
//! the begin of a transaction to its end. Only simple queries pass.

use std::io::Error;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};

const SSL: [u8; 4] = 80_877_103_u32.to_be_bytes();
const VERSION: [u8; 4] = 196_608_u32.to_be_bytes();

/// The sessions that nobody has, the one that waited for the longest time first.
#[derive(Clone)]
struct Sessions {
    free: Arc<Mutex<mpsc::Receiver<TcpStream>>>,
    back: mpsc::Sender<TcpStream>,
}

/// The address of the database through a pooler with so many sessions, which ends with the test.
pub async fn start(database: &str, sessions: usize) -> String {
    let (_, rest) = database.split_once('@').expect("a user");
    let (server, name) = rest.split_once('/').expect("a name");
    let (back, free) = mpsc::channel(sessions);
    let mut greeting = Vec::new();
    for _ in 0..sessions {
        let (session, told) = begin(server, name).await.expect("a session");
        greeting = told;
        back.send(session).await.expect("there is room");
    }
    let pool = Sessions { free: Arc::new(Mutex::new(free)), back };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let greeting: Arc<[u8]> = greeting.into();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, pool.clone(), Arc::clone(&greeting)));
        }
    });
    format!("postgres://hub@{address}/{name}")
}

/// A message with its kind, as it was sent.
async fn message(from: &mut TcpStream) -> Result<(u8, Vec<u8>), Error> {
    let mut head = [0; 5];
    from.read_exact(&mut head).await?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let mut whole = head.to_vec();
    whole.resize(1 + length, 0);
    from.read_exact(&mut whole[5..]).await?;
    Ok((head[0], whole))
}

/// A session, and what the server told of it.
async fn begin(server: &str, name: &str) -> Result<(TcpStream, Vec<u8>), Error> {
    let mut session = TcpStream::connect(server).await?;
    let names = format!("user\0hub\0database\0{name}\0client_encoding\0UTF8\0\0");
    let length = u32::try_from(names.len() + 8).expect("it is short");
    session.write_all(&[&length.to_be_bytes(), &VERSION[..], names.as_bytes()].concat()).await?;
    let mut told = Vec::new();
    loop {
        let (kind, whole) = message(&mut session).await?;
        told.extend(whole);
        if kind == b'Z' {
            return Ok((session, told));
        }
    }
}

async fn serve(mut client: TcpStream, sessions: Sessions, greeting: Arc<[u8]>) -> Result<(), Error> {
    loop {
        let length = client.read_u32().await? as usize;
        let mut start = vec![0; length - 4];
        client.read_exact(&mut start).await?;
        if start[..4] != SSL {
            break;
        }
        client.write_all(b"N").await?;
    }
    client.write_all(&greeting).await?;
    let mut held: Option<TcpStream> = None;
    loop {
        // A client that leaves in a transaction would take the session with it.
        let (kind, query) = match message(&mut client).await {
            Ok(asked) => asked,
            Err(error) => {
                if let Some(session) = held.take() {
                    let _ = sessions.back.send(session).await;
                }
                return Err(error);
            }
        };
        assert!(kind == b'Q' || kind == b'X', "something else than a simple query");
        if kind == b'X' {
            continue;
        }
        let mut session = match held.take() {
            Some(session) => session,
            None => sessions.free.lock().await.recv().await.expect("sessions"),
        };
        session.write_all(&query).await?;
        let is_idle = loop {
            let (kind, whole) = message(&mut session).await?;
            client.write_all(&whole).await?;
            if kind == b'Z' {
                break whole[5] == b'I';
            }
        };
        if is_idle {
            let _ = sessions.back.send(session).await;
        } else {
            held = Some(session);
        }
    }
}
