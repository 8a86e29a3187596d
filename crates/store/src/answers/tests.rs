use super::*;
use std::fs;

const MUCH: Room = Room {
    own: 1000,
    all: 1000,
};
/// What encryption adds to a text.
const ADDED: i64 = 1 + 8 + 24 + 16;

fn key(id: u8, caller: &str, expires: i64) -> KeyRecord {
    KeyRecord {
        id: [id; 32],
        caller: caller.into(),
        expires,
    }
}

fn content(text: &str) -> Secret {
    text.as_bytes().to_vec().into()
}

fn request() -> RequestRecord {
    RequestRecord {
        fingerprint: [101; 32],
        length: u64::MAX >> 1,
        whole: true,
    }
}

fn answer(text: &str) -> AnswerRecord {
    AnswerRecord {
        status: 200,
        request: Some(request()),
        content: Some(Ok(content(text))),
    }
}

fn opened(directory: &Path) -> Answers {
    let vault = Arc::new(Vault::new(directory, None));
    Answers::open(directory, vault).expect("opened")
}

/// Whether a text can be read in a file of a directory.
fn is_readable(directory: &Path, text: &str) -> bool {
    fs::read_dir(directory).expect("a directory").any(|entry| {
        let bytes = fs::read(entry.expect("an entry").path()).expect("a file");
        let mut parts = bytes.windows(text.len());
        parts.any(|part| part == text.as_bytes())
    })
}

#[test]
fn a_key_is_begun_once_answered_once_and_gone_in_the_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let open = || opened(directory.path());
    let (one, first) = (open(), key(1, "anonymous", 10));
    let secret = one.secret(&[1; 32]).expect("a secret");
    assert_eq!(one.begin(&first, 5, MUCH).expect("begun"), Noted::New);
    assert_eq!(one.begin(&first, 6, MUCH).expect("asked"), Noted::Begun);
    drop(one);
    let two = open();
    assert_eq!(two.secret(&[2; 32]).expect("the same"), secret);
    assert_eq!(two.begin(&first, 7, MUCH).expect("asked"), Noted::Begun);
    two.finish(&first, &request(), 200, Some(&content("x")), MUCH)
        .expect("kept");
    let kept = Noted::Answered(answer("x"));
    assert_eq!(open().begin(&first, 8, MUCH).expect("asked"), kept);
    two.forget(&first.id).expect("forgotten");
    assert_eq!(two.begin(&first, 9, MUCH).expect("begun"), Noted::New);
    assert_eq!(two.sweep(9).expect("swept"), 0);
    let again = key(1, "anonymous", 20);
    assert_eq!(two.begin(&again, 10, MUCH).expect("begun"), Noted::New);
    assert_eq!(two.sweep(20).expect("swept"), 1);
}

#[test]
fn one_caller_leaves_room_for_others() {
    let directory = tempfile::tempdir().expect("a directory");
    let answers = opened(directory.path());
    let room = Room { own: 2, all: 3 };
    let begin = |id, caller| {
        let begun = answers.begin(&key(id, caller, 10), 0, room);
        begun.expect("asked")
    };
    assert_eq!([begin(1, "a"), begin(2, "a")], [Noted::New, Noted::New]);
    assert_eq!([begin(3, "a"), begin(3, "b")], [Noted::NoRoom, Noted::New]);
    assert_eq!(
        [begin(4, "c"), begin(1, "a")],
        [Noted::NoRoom, Noted::Begun]
    );
    let bytes = Room {
        own: ADDED + 12,
        all: 2 * ADDED + 18,
    };
    for (id, caller, text, fits) in [
        (1, "a", "0123456789ab", true),
        (2, "a", "", false),
        (3, "b", "0123456", false),
        (3, "b", "012345", true),
    ] {
        let key = key(id, caller, 10);
        let kept = answers.finish(&key, &request(), 200, Some(&content(text)), bytes);
        kept.expect("kept");
        let Noted::Answered(kept) = answers.begin(&key, 1, room).expect("asked") else {
            panic!("it is there");
        };
        let fitted = kept.content.is_some();
        assert_eq!(fitted, fits, "{id} {text}");
    }
}

#[test]
fn an_answer_is_read_by_its_own_key_and_status_alone_and_not_in_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let answers = opened(directory.path());
    for id in [1, 2] {
        let key = key(id, "a", 10);
        answers.begin(&key, 0, MUCH).expect("begun");
        let kept = answers.finish(&key, &request(), 200, Some(&content("pdl_hunter2")), MUCH);
        kept.expect("kept");
    }
    assert!(!is_readable(directory.path(), "hunter2"));
    let unreadable = |id| {
        let noted = answers.begin(&key(id, "a", 10), 1, MUCH).expect("asked");
        match noted {
            Noted::Answered(answer) => answer.content.expect("there is one").is_err(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([unreadable(1), unreadable(2)], [false, false]);
    let change = |sql: &str| {
        let connection = Connection::open(Answers::file(directory.path())).expect("opened");
        connection.execute_batch(sql).expect("changed");
    };
    change("UPDATE answer SET sealed = (SELECT sealed FROM answer WHERE hex(id) LIKE '01%')");
    assert_eq!([unreadable(1), unreadable(2)], [false, true]);
    change("UPDATE answer SET status = 201");
    assert!(unreadable(1));
}

#[test]
fn with_another_key_an_answer_is_lost_and_secrets_are_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let (first, second) = (key(1, "a", 10), key(2, "a", 10));
    let answers = opened(directory.path());
    answers.begin(&first, 0, MUCH).expect("begun");
    let kept = answers.finish(&first, &request(), 200, Some(&content("x")), MUCH);
    kept.expect("kept");
    let file = Vault::file(directory.path());
    fs::remove_file(&file).expect("removed");
    let answers = opened(directory.path());
    let said = answers.begin(&first, 1, MUCH).expect("asked");
    assert!(
        matches!(&said, Noted::Answered(AnswerRecord { status: 200, content: Some(Err(why)), .. }) if why.contains("another key")),
        "{said:?}"
    );
    assert_eq!(answers.begin(&second, 1, MUCH).expect("begun"), Noted::New);
    answers
        .finish(&second, &request(), 200, Some(&content("y")), MUCH)
        .expect("kept with the new one");

    // A password that the lost key could still open must not be given up for an answer.
    let vault = Arc::new(Vault::new(directory.path(), None));
    let registries = RegistryStore::open(directory.path(), vault).expect("opened");
    let registry = crate::RegistryRecord {
        tenant: None,
        name: "main".into(),
        host: "example.org".into(),
        username: None,
        created: 0,
        changed: 0,
    };
    let room = crate::RegistryRoom { own: 1, all: 1 };
    let added = registries.add(&registry, &content("hunter2"), room);
    added.expect("added");
    fs::remove_file(&file).expect("removed");
    let vault = Arc::new(Vault::new(directory.path(), None));
    let refused = Answers::open(directory.path(), vault).expect_err("no key");
    assert!(refused.to_string().contains("is not there"), "{refused}");
    assert!(!file.exists());
}

#[test]
fn what_an_earlier_version_kept_as_it_was_is_out_of_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = Answers::file(directory.path());
    let connection = crate::opened(directory.path(), &path, &schema::ANSWERS[..1]);
    let connection = connection.expect("made");
    let old = key(1, "a", 10);
    let sql =
        "INSERT INTO answer VALUES (?1, ?2, 'a', 10, 201, 0, '[]', CAST('hunter2' AS BLOB), 7)";
    connection
        .execute(sql, params![old.id, [7_u8; 32]])
        .expect("kept");
    assert!(is_readable(directory.path(), "hunter2"));
    drop(connection);
    let answers = opened(directory.path());
    assert!(!is_readable(directory.path(), "hunter2"));
    let kept = AnswerRecord {
        status: 201,
        request: None,
        content: None,
    };
    let said = answers.begin(&old, 1, MUCH).expect("asked");
    assert_eq!(said, Noted::Answered(kept));
}
