//! Databases, and ways to them, that a server refuses at its start and of which `hubbub doctor` tells what to do: another
//! encoding, a pooler that gives each transaction another session.

#[path = "unfit/pooler.rs"]
mod pooler;

use std::sync::Arc;

use hubbub::clock::Clock;
use hubbub::config::Config;
use hubbub::doctor::{Level, examine};
use hubbub::error::StoreError;
use hubbub::store::{Effects, Publisher, Store, StoreConfig};

use crate::kit::postgres::{Cluster, execute};

struct Nobody;

impl Publisher for Nobody {
    fn publish(&self, _: Effects) {}
}

/// What the server and the doctor say, which is the same: what is wrong, and what to do.
async fn refused(database: &str) -> (String, String) {
    let store = StoreConfig::new(database.to_owned(), 2);
    let opened = Store::open(&store, Clock::System, Arc::new(Nobody)).await.map(|_| ());
    let StoreError::Unfit { what, remedy } = opened.expect_err("it is refused") else {
        panic!("another error")
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::embedded(folder.path());
    database.clone_into(&mut config.store.database_url);
    let found = examine(&config, &Clock::System, &["database".to_owned()]).await;
    assert_eq!((found[0].level, &found[0].what, &found[0].advice), (Level::Fail, &what, &remedy));
    (what, remedy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_cannot_store_every_letter() {
    let cluster = Cluster::start();
    for encoding in ["WIN1252", "SQL_ASCII"] {
        let options = format!("encoding '{encoding}' lc_collate 'C' lc_ctype 'C' template template0");
        let database = cluster.database_with(&options);
        let (what, remedy) = refused(&database).await;
        assert!(what.contains(encoding), "{what}");
        assert!(remedy.contains("encoding 'UTF8' template template0"), "{remedy}");
        execute(&database, "select 1 / (count(*) = 0)::int from pg_class where relname = 'migrations'");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_in_transaction_mode() {
    let cluster = Cluster::start();
    for sessions in [1, 4] {
        let url = pooler::start(&cluster.database(), sessions).await;
        let (_, remedy) = refused(&url).await;
        assert!(remedy.contains("pool_mode = session"), "{remedy}");
    }
}
