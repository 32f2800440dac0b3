//! What holds for every library.

use super::*;
use emulators::s3::S3Emulator;
use tokio::io::AsyncReadExt as _;

async fn bytes(library: &dyn Library, key: &str) -> io::Result<Vec<u8>> {
    let mut found = Vec::new();
    library.open(key).await?.read_to_end(&mut found).await?;
    Ok(found)
}

async fn conforms(library: &dyn Library) {
    let folder = tempfile::tempdir().expect("a folder");
    let put = async |key: &str, content: &[u8]| {
        let from = folder.path().join("staged");
        std::fs::write(&from, content).expect("a staged file");
        library.put(key, &from).await
    };
    let gone = |found: io::Result<Vec<u8>>| found.expect_err("gone").kind() == io::ErrorKind::NotFound;
    assert!(gone(bytes(library, "t1/a").await));
    library.delete("t1/a").await.expect("what is not there is deleted already");
    // Empty, small, and one of more than two parts.
    let large: Vec<u8> = (0..11_000_000_u32).map(|n| (n % 251) as u8).collect();
    for (key, content) in [("t1/a", &b""[..]), ("t1/b", b"hello"), ("t2/a", &large)] {
        put(key, content).await.expect("kept");
        assert!(bytes(library, key).await.expect("opened") == content, "{key}");
        assert!(bytes(library, key).await.expect("opened again") == content, "{key}");
    }
    put("t1/b", b"hello").await.expect("a repetition is harmless");
    let mut keys = library.keys("t1/").await.expect("keys");
    keys.sort();
    assert_eq!(keys, ["t1/a", "t1/b"]);
    assert!(!library.put_new("t1/b", b"other").await.expect("there is one"));
    assert!(bytes(library, "t1/b").await.expect("the first one") == b"hello");
    library.delete("t1/b").await.expect("deleted");
    library.delete("t1/b").await.expect("deleted already");
    assert!(gone(bytes(library, "t1/b").await));
    assert_eq!(library.keys("t1/").await.expect("keys"), ["t1/a"]);
    assert!(library.put_new("new", b"first").await.expect("written"));
    assert!(bytes(library, "new").await.expect("opened") == b"first");
    library.delete("new").await.expect("deleted");
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    assert_eq!(mark::read(library).await.expect("read"), None);
    let mark = mark::read_or_make(library, first).await.expect("made");
    assert_eq!(mark, first.simple().to_string());
    assert_eq!(mark::read_or_make(library, second).await.expect("read"), mark);
    assert_eq!(mark::read(library).await.expect("read"), Some(mark));
    assert!(library.put("t1/c", &folder.path().join("nothing")).await.is_err());
    assert!(gone(bytes(library, "t1/c").await));
}

#[tokio::test]
async fn a_folder_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    conforms(&Folder::new(folder.path().join("media"))).await;
    assert!(Folder::new(folder.path().into()).delete("t/../../x").await.is_err());
}

#[tokio::test]
async fn a_bucket_conforms() {
    let emulator = S3Emulator::start().await.expect("an emulator");
    let settings = S3Settings {
        endpoint: &emulator.endpoint(),
        region: "eu-central-1",
        bucket: "files",
        prefix: "hubbub",
        access_key: emulator.access_key(),
        secret_key: emulator.secret_key(),
    };
    conforms(&S3::open(&settings).expect("a bucket")).await;
    let wrong = S3Settings { secret_key: "another", ..settings };
    assert!(S3::open(&wrong).expect("a bucket").delete("t1/a").await.is_err(), "the signature is checked");
}
