//! What is no webhook, and where messages may not go.

use super::{made, options};
use crate::{server, server_with};
use podlane_testkit::{BUSYBOX, Receiver, podman, unique};
use serde_json::json;

#[tokio::test]
async fn a_name_that_leads_elsewhere_than_was_said_is_not_followed() {
    // A name in the machine's list of hosts is all that a name server can be.
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let own = hosts.lines().find_map(|line| {
        let mut words = line
            .split_whitespace()
            .take_while(|word| !word.starts_with('#'));
        let address: std::net::IpAddr = words.next()?.parse().ok()?;
        let name = words.find(|name| !name.contains("localhost"))?;
        (address.is_loopback() || address.is_unspecified()).then(|| name.to_owned())
    });
    let (server, receiver, prefix) = (server(), Receiver::start(), unique("hook"));
    let api = server.client();
    let name = own.unwrap_or_else(|| "nothing.invalid".into());
    let url = format!("https://{name}:{}/", receiver.address().port());
    let body = json!({ "url": url, "events": ["died"], "name_prefix": prefix });
    let made = api.post("/webhooks", body).await.expect(200).json;
    let id = made["webhook"]["id"].as_str().expect("an ID");
    let pinged = api
        .act(&format!("/webhooks/{id}/test"))
        .await
        .expect(200)
        .json;
    assert_eq!(pinged["delivered"], false);
    let error = pinged["error"].as_str().expect("a reason");
    assert!(error.starts_with("its name leads"), "{error}");
    assert!(!pinged.to_string().contains("127."), "{pinged}");
    assert_eq!(receiver.messages().len(), 0);
}

#[tokio::test]
async fn there_are_as_many_as_the_server_allows() {
    let server = server_with(options().env("PODLANE_LIMITS_WEBHOOKS", "25"));
    let receiver = Receiver::start();
    let tenant = server.client().with("x-tenant", &unique("class"));
    let body = json!({ "url": receiver.url("/"), "events": ["died"] });
    for _ in 0..20 {
        made(&tenant, &receiver, "", &["died"]).await;
    }
    let _ = tenant.post("/webhooks", body.clone()).await.expect(409);
    let api = server.client();
    for _ in 0..5 {
        made(&api, &receiver, "none-", &["died"]).await;
    }
    let full = api.post("/webhooks", body).await.expect(409);
    assert!(full.message().contains("limits.webhooks"), "{}", full.text);
}

#[tokio::test]
async fn what_makes_a_webhook_is_in_the_audit_without_its_secrets() {
    let server = server_with(options().env("PODLANE_AUDIT", "true"));
    let (api, receiver) = (server.client(), Receiver::start());
    let body = json!({ "url": receiver.url("/a-secret-path"), "events": ["died"] });
    let made = api.post("/webhooks", body).await.expect(200).json;
    let id = made["webhook"]["id"].as_str().expect("an ID");
    let _ = api.delete(&format!("/webhooks/{id}")).await.expect(200);
    let audit = api.get("/audit").await.expect(200).text;
    assert!(
        audit.contains("POST /api/v1/webhooks") && audit.contains(id),
        "{audit}"
    );
    assert!(
        !audit.contains("a-secret-path") && !audit.contains("whsec_"),
        "{audit}"
    );
    let log = server.log();
    assert!(
        !log.contains("a-secret-path") && !log.contains("whsec_"),
        "{log}"
    );
    // Without any webhook nobody listens to Podman.
    let ran = podman(&["run", "--rm", BUSYBOX, "true"]);
    assert!(ran.status.success());
    assert_eq!(receiver.messages().len(), 0);
}
