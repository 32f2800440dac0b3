//! The entries of the table that concern the installation: webhooks of providers, and what its operators ask and do.

use axum::http::Method;
use serde_json::json;

use super::entry::{Operation, act, run};
use super::handler::handle;
use super::schemas::{Described, Shape};
use super::{apps, docs, entries, jobs, nodes, openapi_json};
use crate::accounts::Permission::{Manage, Operate, Read};
use crate::accounts::Thing::Job;
use crate::http::{health, hooks, metrics};

entries! {
    pub(super) fn of_others:
    "operation" {
        /// The jobs of a tenant that were given up, with their reasons.
        "job.list_dead" => run(jobs::dead).needs(Manage).get("/api/v1/jobs/dead");
        /// Let a given-up job run again.
        "job.retry" => act(jobs::retry).about(Job).needs(Manage).post("/api/v1/jobs/{id}/retry");
        /// Forget a given-up job.
        "job.forget" => act(jobs::forget).about(Job).needs(Manage).delete("/api/v1/jobs/{id}");
        /// The servers of the installation: their versions, how they are, and whether they reach each other.
        ///
        /// For administrators of the platform only. One that was not heard of for 20 seconds is `silent`; an hour later it
        /// is left out. One that is stopped is left out at once.
        "node.list" => act(nodes::list).needs(Operate).get("/api/v1/nodes");
        /// The description of this API.
        "docs.openapi" => handle(Method::GET, "/api/v1/openapi.json", async || docs::json(openapi_json()), |_| {
            let answers = vec![Shape::of(200, "application/json")];
            Described { answers, security: Some(json!([{}])), refuses: Some(&[]), ..Described::default() }
        });
        /// The process answers.
        "health.live" => handle(Method::GET, "/health/live", health::live, |schemas| Described {
            answers: vec![Shape::json(200, schemas.add::<health::Health>())],
            security: Some(json!([{}])),
            refuses: Some(&[503]),
            ..Described::default()
        });
        /// The process can do its work: the store reads and commits, another socket has room, no stop has begun.
        "health.ready" => handle(Method::GET, "/health/ready", health::ready, |schemas| Described {
            answers: vec![Shape::json(200, schemas.add::<health::Health>())],
            security: Some(json!([{}])),
            refuses: Some(&[503]),
            ..Described::default()
        });
        /// The same for a balancer: the way to the other servers may be broken meanwhile.
        "health.serving" => handle(Method::GET, "/health/serving", health::serving, |schemas| Described {
            answers: vec![Shape::json(200, schemas.add::<health::Health>())],
            security: Some(json!([{}])),
            refuses: Some(&[503]),
            ..Described::default()
        });
        /// The numbers of this server, for whoever has its `metrics_token` as the bearer token.
        ///
        /// 403 if there is no token: then they are nobody's here, but may have an address of their own
        /// (`metrics_listen`).
        "metrics.get" => handle(Method::GET, "/metrics", metrics::metrics, |_| Described {
            answers: vec![Shape::of(200, "text/plain")],
            security: Some(json!([{}, { "token": [] }])),
            refuses: Some(&[401, 403]),
            ..Described::default()
        });
    }
    "apps" {
        /// The apps of providers through which channels are connected, and how many of each family are free.
        ///
        /// For people of the platform only.
        "app.list" => act(apps::list).needs(Read).get("/api/v1/apps");
        /// Add an app. For administrators of the platform only.
        "app.create" => run(apps::create).needs(Operate).post("/api/v1/apps");
        /// Change an app's name, state, tenant or settings. For administrators of the platform only.
        ///
        /// Another address or app id needs the app's secrets again.
        "app.update" => run(apps::update).needs(Operate).patch("/api/v1/apps");
    }
    "webhooks" {
        /// Where a provider delivers: the token is the channel's, secret and unguessable.
        "hook.receive" => handle(Method::POST, "/hooks/{token}", hooks::receive, |_| Described {
            raw_body: Some("The provider's body, exactly as it signs it"),
            in_path: Some("The channel's own secret path"),
            answers: vec![Shape::empty(200).says("Stored, with everything that follows from it")],
            security: Some(json!([{}])),
            refuses: Some(&[401, 404, 413, 503]),
            ..Described::default()
        });
        /// Where the provider of an app delivers for all accounts that are connected through it.
        ///
        /// Each account's part goes to its channel; parts of accounts that nobody has connected are counted and dropped.
        "hook.receive_app" => handle(Method::POST, "/hooks/{family}/{app}", hooks::receive_app, |_| Described {
            raw_body: Some("The provider's body, exactly as it signs it"),
            in_path: Some("The kind of app (`meta`, `google`) and its id"),
            answers: vec![Shape::empty(200).says("Stored, with everything that follows from it")],
            security: Some(json!([{}])),
            refuses: Some(&[401, 404, 413, 503]),
            ..Described::default()
        });
        /// Proves the address of an app to its provider (Meta's `hub.challenge`).
        "hook.prove_app" => handle(Method::GET, "/hooks/{family}/{app}", hooks::prove, |_| Described {
            in_path: Some("The kind of app (`meta`, `google`) and its id"),
            answers: vec![Shape::of(200, "text/plain").says("What was asked to be given back")],
            security: Some(json!([{}])),
            refuses: Some(&[403, 404]),
            ..Described::default()
        });
        /// Where Pub/Sub pushes what is new in connected Gmail accounts.
        "hook.gmail" => handle(Method::POST, "/hooks/gmail", hooks::gmail, |_| Described {
            raw_body: Some("The push"),
            answers: vec![Shape::empty(200).says("Noted; the mailbox is read")],
            security: Some(json!([{}])),
            refuses: Some(&[401, 404, 413, 503]),
            ..Described::default()
        });
        /// A person took the rights of an app back at its provider.
        "hook.deauthorize" => handle(Method::POST, "/hooks/{family}/{app}/deauthorize", hooks::deauthorize, |_| Described {
            raw_body: Some("A form with `signed_request`"),
            in_path: Some("The kind of app (`meta`) and its id"),
            answers: vec![Shape::empty(200)],
            security: Some(json!([{}])),
            refuses: Some(&[401, 404, 413]),
            ..Described::default()
        });
        /// A person asks that the app forgets them.
        "hook.data_deletion" => handle(Method::POST, "/hooks/{family}/{app}/data-deletion", hooks::data_deletion, |_| Described {
            raw_body: Some("A form with `signed_request`"),
            in_path: Some("The kind of app (`meta`) and its id"),
            answers: vec![Shape::of(200, "application/json").says("`url` and `confirmation_code`")],
            security: Some(json!([{}])),
            refuses: Some(&[401, 404, 413]),
            ..Described::default()
        });
        /// Says to that person that it was done.
        "hook.data_deletion_status" => handle(Method::GET, "/hooks/{family}/{app}/data-deletion/{code}", hooks::data_deletion_status, |_| Described {
            in_path: Some("The kind of app, its id, and the confirmation code"),
            answers: vec![Shape::of(200, "text/plain")],
            security: Some(json!([{}])),
            refuses: Some(&[404]),
            ..Described::default()
        });
    }
}
