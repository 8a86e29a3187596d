//! Rows of one call: each that is wrong is told, and they know of each other.

use super::{add, field};
use crate::fixture::Fixture;
use crate::server;
use podlane_testkit::{BUSYBOX, DEBIAN};
use serde_json::json;

#[tokio::test]
async fn each_row_that_is_wrong_is_told() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, BUSYBOX, json!({})).await;
    let before = container.sh("cat /etc/passwd");
    let in_themselves = json!([
        { "username": "Abc" }, { "username": "ok1" }, { "username": "b:c" }, { "username": "ok2", "uid": 0 },
        { "username": "ok3", "expires": "1970-01-01" }
    ]);
    let there = json!([
        { "username": "root" }, { "username": "ok1", "shell": "/no/sh" }, { "username": "ok2" }, { "username": "ok2" },
        { "username": "ok3", "groups": ["nosuch"] }
    ]);
    let wrong = [
        (
            in_themselves,
            [0, 2, 3, 4],
            ["username", "username", "uid", "expires"],
        ),
        (
            there,
            [0, 1, 3, 4],
            ["username", "shell", "username", "groups"],
        ),
    ];
    for (users, rows, fields) in wrong {
        let answer = add(&api, &container, json!({ "users": users }))
            .await
            .expect(400);
        for (row, field) in rows.iter().zip(fields) {
            let told = format!("users[{row}].{field}: ");
            assert!(answer.message().contains(&told), "{told} {}", answer.text);
        }
        assert_eq!(answer.message().matches("users[").count(), rows.len());
    }
    assert_eq!(container.sh("cat /etc/passwd"), before);
}

#[tokio::test]
async fn a_row_may_name_the_group_of_one_before_and_nothing_is_left_of_it() {
    let server = server();
    let api = server.client();
    let container = Fixture::create(&api, DEBIAN, json!({})).await;
    let users = json!([
        { "username": "ann" }, { "username": "bob", "group": "ann", "groups": ["ann"] }
    ]);
    let added = add(&api, &container, json!({ "users": users }))
        .await
        .expect(200);
    let gid = |row: usize| added.json["users"][row]["gid"].to_string();
    assert_eq!(gid(0), gid(1));
    assert_eq!(field(&container, "passwd", "bob", 3), gid(0));
    container.sh("gpasswd -A bob ann");
    let _ = api.delete(&container.path("/users/bob")).await.expect(200);
    container.sh("grpck -r && ! grep bob /etc/passwd /etc/group /etc/gshadow");
    let path = container.path("/users/daemon");
    let unlock = json!({ "locked": false }).to_string();
    let request = api.request("PATCH".parse().expect("a method"), &path, Some(unlock));
    let answer = api.send(request).await.expect(409);
    assert!(answer.message().contains("no password"), "{}", answer.text);
}
