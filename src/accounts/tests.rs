//! The verbs of accounts against a SQLite file.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use uuid::Uuid;

use super::users::{GrantRole, NewUser, RevokeRole, SetActive};
use super::*;
use crate::store::{Effects, Publisher, StoreConfig};
use crate::vault::{self, MasterKey, Vault};

struct Nobody;

impl Publisher for Nobody {
    fn publish(&self, _: Effects) {}
}

struct World {
    accounts: Accounts,
    store: Store,
    hand: Arc<AtomicI64>,
    tenant: Uuid,
    folder: std::path::PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const PASSWORD: &str = "a long password";

impl World {
    async fn new() -> Self {
        let (clock, hand) = Clock::manual(1_800_000_000_000);
        let folder = std::env::temp_dir().join(vault::random_token("hubbub-test-").expect("a name"));
        let url = folder.join("hubbub.db").display().to_string();
        let store = Store::open(&StoreConfig::new(url, 2), clock, Arc::new(Nobody)).await.expect("a store");
        let vault = Vault::new(MasterKey::random().expect("a key"), &[]).expect("a vault");
        let accounts = Accounts::new(store.clone(), &vault, &Config::embedded(&folder)).expect("accounts");
        let tenant =
            store.write(tenants::CreateTenant { name: "A shop".into() }).await.expect("a tenant").value.id;
        Self { accounts, store, hand, tenant, folder }
    }

    async fn agent(&self) -> Uuid {
        let new = NewUser {
            email: "Ann@Example.com ".into(),
            name: "Ann".into(),
            password: PASSWORD.into(),
            platform_role: None,
            member_of: Some((self.tenant, Role::Agent)),
        };
        self.accounts.create_user(new).await.expect("a user").id
    }

    async fn sign_in(&self) -> Result<SignedIn, SignInError> {
        self.accounts.sign_in("ann@example.com", PASSWORD.into(), None).await
    }

    fn pass(&self, ms: i64) {
        self.hand.fetch_add(ms, Ordering::Relaxed);
    }

    async fn may(&self, token: &str, need: Permission) -> bool {
        match self.accounts.by_token(token).await {
            Ok((access, _)) => access.tenant(self.tenant, need).is_ok(),
            Err(_) => false,
        }
    }
}

#[tokio::test]
async fn signing_in_gives_the_rights_of_the_account() {
    let world = World::new().await;
    let id = world.agent().await;
    let session = world.sign_in().await.expect("signed in");
    assert_eq!(session.access.identity, Identity::User(id));
    assert!(world.may(&session.access_token, Permission::Answer).await);
    assert!(!world.may(&session.access_token, Permission::Manage).await);
    world.pass(900_000);
    assert!(
        !world.may(&session.access_token, Permission::Read).await,
        "the access token lives for 15 minutes"
    );
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_counted() {
    let world = World::new().await;
    world.agent().await;
    for _ in 0..5 {
        let refused = world.accounts.sign_in("ann@example.com", "something else".into(), None).await;
        assert!(matches!(refused, Err(SignInError::BadCredentials)));
    }
    assert!(
        matches!(world.sign_in().await, Err(SignInError::TooMany { seconds: 1 })),
        "even with the right one"
    );
    world.pass(1_000);
    assert!(world.sign_in().await.is_ok());
    let nobody = world.accounts.sign_in("nobody@example.com", PASSWORD.into(), None).await;
    assert!(matches!(nobody, Err(SignInError::BadCredentials)));
}

#[tokio::test]
async fn a_refresh_token_that_comes_after_its_successor_was_used_ends_the_session() {
    let world = World::new().await;
    world.agent().await;
    let first = world.sign_in().await.expect("signed in");
    let second = world.accounts.refresh(&first.refresh_token).await.expect("renewed");
    assert_ne!(first.refresh_token, second.refresh_token);
    let third = world.accounts.refresh(&second.refresh_token).await.expect("renewed");
    let reused = world.accounts.refresh(&first.refresh_token).await;
    assert!(matches!(reused, Err(RefreshError::Reused)), "at once");
    assert!(matches!(world.accounts.refresh(&third.refresh_token).await, Err(RefreshError::Over)));
    assert!(!world.may(&third.access_token, Permission::Read).await, "its access tokens end too");
    assert!(world.sign_in().await.is_ok(), "another session is not touched");
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again_however_late() {
    let world = World::new().await;
    world.agent().await;
    let first = world.sign_in().await.expect("signed in");
    for minutes in [0, 1, 60, 24 * 60] {
        world.pass(minutes * 60_000);
        assert!(world.accounts.refresh(&first.refresh_token).await.is_ok(), "after {minutes} minutes");
    }
    let heard = world.accounts.refresh(&first.refresh_token).await.expect("the one that arrived");
    assert!(world.accounts.refresh(&heard.refresh_token).await.is_ok());
}

/// Two clients renewed with the same token within a second; the fork is detected when the second one presents its new
/// token.
#[tokio::test]
async fn a_fork_is_found_at_the_next_renewal_of_either_side() {
    let world = World::new().await;
    world.agent().await;
    for the_copy_comes_first in [false, true] {
        let first = world.sign_in().await.expect("signed in");
        let (one, two) = tokio::join!(
            world.accounts.refresh(&first.refresh_token),
            world.accounts.refresh(&first.refresh_token)
        );
        let (mut own, mut copied) = (one.expect("the browser's"), two.expect("the thief's"));
        if the_copy_comes_first {
            std::mem::swap(&mut own, &mut copied);
        }
        let next = world.accounts.refresh(&own.refresh_token).await.expect("the first of the brothers");
        assert!(matches!(world.accounts.refresh(&copied.refresh_token).await, Err(RefreshError::Reused)));
        assert!(matches!(world.accounts.refresh(&next.refresh_token).await, Err(RefreshError::Over)));
    }
}

#[tokio::test]
async fn a_session_has_an_end_whatever_is_renewed() {
    const DAY_MS: i64 = 86_400_000;
    let world = World::new().await;
    world.agent().await;
    let mut session = world.sign_in().await.expect("signed in");
    for _ in 0..4 {
        world.pass(20 * DAY_MS);
        session = world.accounts.refresh(&session.refresh_token).await.expect("renewed");
    }
    assert_eq!(session.refresh_ttl_ms, 10 * DAY_MS, "no longer than the session");
    world.pass(10 * DAY_MS - 60_000);
    session = world.accounts.refresh(&session.refresh_token).await.expect("a minute before its end");
    assert_eq!(session.refresh_ttl_ms, 60_000);
    assert!(world.may(&session.access_token, Permission::Read).await);
    world.pass(60_000);
    assert!(!world.may(&session.access_token, Permission::Read).await);
    assert!(matches!(world.accounts.refresh(&session.refresh_token).await, Err(RefreshError::Over)));
}

#[tokio::test]
async fn a_refresh_token_ends_with_its_time() {
    let world = World::new().await;
    world.agent().await;
    let session = world.sign_in().await.expect("signed in");
    world.pass(30 * 86_400_000);
    assert!(matches!(world.accounts.refresh(&session.refresh_token).await, Err(RefreshError::Over)));
    assert!(matches!(world.accounts.refresh("hbr_unknown").await, Err(RefreshError::Unknown)));
}

#[tokio::test]
async fn signing_out_ends_the_access_token_at_once() {
    let world = World::new().await;
    world.agent().await;
    let session = world.sign_in().await.expect("signed in");
    assert!(world.may(&session.access_token, Permission::Read).await);
    assert!(world.accounts.sign_out(&session.refresh_token).await.expect("signed out"));
    assert!(!world.accounts.sign_out("hbr_unknown").await.expect("nothing to end"));
    assert!(!world.may(&session.access_token, Permission::Read).await);
    assert!(matches!(world.accounts.refresh(&session.refresh_token).await, Err(RefreshError::Over)));
}

#[tokio::test]
async fn changes_of_rights_count_within_two_seconds_even_from_elsewhere() {
    let world = World::new().await;
    let id = world.agent().await;
    let session = world.sign_in().await.expect("signed in");
    let scope = Scope::system(world.tenant);
    assert!(world.may(&session.access_token, Permission::Answer).await);

    // This process is not told of the change (the publisher drops the wake), as when another process makes it.
    let viewer = GrantRole { scope: scope.clone(), user: id, role: Role::Viewer, companies: None };
    world.store.write(viewer).await.expect("granted");
    world.pass(2_000);
    assert!(!world.may(&session.access_token, Permission::Answer).await);
    assert!(world.may(&session.access_token, Permission::Read).await);

    world.store.write(RevokeRole { scope, user: id }).await.expect("revoked");
    world.accounts.forget(id);
    assert!(!world.may(&session.access_token, Permission::Read).await, "at once when it is told");

    world.store.write(SetActive { user: id, active: false }).await.expect("disabled");
    world.accounts.forget(id);
    assert!(world.accounts.by_token(&session.access_token).await.is_err());
    assert!(matches!(world.sign_in().await, Err(SignInError::BadCredentials)));
}

#[tokio::test]
async fn an_api_key_works_until_it_is_revoked() {
    let world = World::new().await;
    let scope = Scope::system(world.tenant);
    let made = world.accounts.create_key(&scope, "A worker", Role::Responder).await.expect("a key");
    assert!(made.key.starts_with(&made.view.hint) && made.key.len() > 40);
    let access = world.accounts.by_key(&made.key).await.expect("it works");
    assert!(access.is_responder());
    assert!(access.tenant(world.tenant, Permission::Respond).is_ok());
    assert!(matches!(access.tenant(world.tenant, Permission::Read), Err(Error::Forbidden(_))));

    let elsewhere = api_key::RevokeKey { scope: Scope::system(Uuid::from_u128(9)), id: made.view.id };
    assert!(matches!(world.store.write(elsewhere).await, Err(Error::NotFound("API key"))));
    world.store.write(api_key::RevokeKey { scope, id: made.view.id }).await.expect("revoked");
    world.accounts.forget(made.view.id);
    assert!(world.accounts.by_key(&made.key).await.is_err());
}

#[tokio::test]
async fn people_of_the_platform_see_every_tenant() {
    let world = World::new().await;
    world.store.write(tenants::CreateTenant { name: "Another".into() }).await.expect("a tenant");
    let new = NewUser {
        email: "root@example.com".into(),
        name: "Root".into(),
        password: PASSWORD.into(),
        platform_role: Some(PlatformRole::Manager),
        member_of: None,
    };
    let id = world.accounts.create_user(new).await.expect("a user").id;
    let access = world.accounts.of_user(id).await.expect("read").expect("active");
    assert_eq!(access.tenants(Permission::Answer).len(), 2);
    assert_eq!(access.tenants(Permission::Manage).len(), 0);
}

#[tokio::test]
async fn an_email_is_taken_only_once() {
    let world = World::new().await;
    world.agent().await;
    let new = NewUser {
        email: "ann@example.com".into(),
        name: "Another Ann".into(),
        password: PASSWORD.into(),
        platform_role: None,
        member_of: None,
    };
    let refused = world.accounts.create_user(new).await;
    assert!(matches!(refused, Err(Error::Conflict { code: "email_taken", .. })));
}

/// Keeps the writer busy until the test releases it.
struct Hold(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

impl crate::store::Verb for Hold {
    type Out = ();

    async fn run(&self, _: &mut crate::store::Tx<'_>) -> Result<(), crate::error::Error> {
        let told = self.0.lock().expect("unpoisoned");
        told.recv_timeout(std::time::Duration::from_secs(20))
            .map_err(|_| crate::error::Error::NotFound("end"))
    }
}

/// Made-up tokens do not wait for the writer, so they cannot delay the work of others.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_never_was_does_not_wait_for_the_writer() {
    let world = World::new().await;
    let (go_on, told) = std::sync::mpsc::sync_channel(1);
    let store = world.store.clone();
    let held = tokio::spawn(async move { store.write(Hold(told.into())).await });
    assert!(matches!(world.accounts.refresh("hbr_unknown").await, Err(RefreshError::Unknown)));
    assert!(!world.accounts.sign_out("hbr_unknown").await.expect("an answer"));
    go_on.send(()).expect("the writer is still held");
    held.await.expect("no panic").expect("it was told in time");
}
