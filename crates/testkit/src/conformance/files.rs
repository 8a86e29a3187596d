//! Files: looks, reads and writes, whether the container runs or not.

use super::assert_fails;
use super::subject::{Subject, call, path};
use bytes::Bytes;
use futures_util::TryStreamExt;
use podlane_engine::{
    ContainerId, Error, FileKind, FileStat, Mount, MountSource, Ownership, Resource, Upload,
    UserSpec,
};
use std::io::Read;

/// A file of an archive: name, content, mode, owner.
pub(super) struct File(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) u32,
    pub(super) u64,
);

pub(super) fn tar(files: &[File]) -> Bytes {
    let mut builder = tar::Builder::new(Vec::new());
    for File(name, content, mode, owner) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(*mode);
        header.set_uid(*owner);
        header.set_gid(*owner);
        header.set_mtime(1_700_000_000);
        builder
            .append_data(&mut header, name, content.as_bytes())
            .expect("a file");
    }
    builder.into_inner().expect("an archive").into()
}

/// Names and contents of the regular files of an archive.
async fn read(subject: &Subject, id: &ContainerId, from: &str) -> Vec<(String, String)> {
    let archive = subject.engine.read_archive(&call(), id, &path(from)).await;
    let archive = archive
        .map_err(|error| error.to_string())
        .expect("an archive");
    let pieces: Vec<Bytes> = archive.try_collect().await.expect("all of it");
    let bytes = pieces.concat();
    let mut archive = tar::Archive::new(&bytes[..]);
    let mut files = Vec::new();
    for entry in archive.entries().expect("entries") {
        let mut entry = entry.expect("an entry");
        if entry.header().entry_type().is_file() {
            let mut content = String::new();
            entry.read_to_string(&mut content).expect("text");
            let name = entry.path().expect("a name").display().to_string();
            files.push((name, content));
        }
    }
    files
}

async fn write(
    subject: &Subject,
    id: &ContainerId,
    to: &str,
    files: &[File],
    ownership: Ownership,
) {
    let written = subject
        .engine
        .write_archive(&call(), id, &path(to), Upload::Whole(tar(files)), ownership)
        .await;
    written.expect("it is written");
}

async fn look(subject: &Subject, id: &ContainerId, at: &str) -> Option<FileStat> {
    subject
        .engine
        .stat(&call(), id, &path(at))
        .await
        .expect("a look")
}

/// Of files, directories, links and what is none of these.
pub async fn a_look_tells_kind_size_and_mode(subject: &Subject) {
    let id = subject.idle().await;
    let script = "cd /tmp; printf 12345 >file; chmod 640 file; mkdir -m 2750 dir; chmod 2750 dir; \
        ln -s file link; ln -s /tmp/dir/../file long; ln -s dir todir; mkfifo pipe; printf x >suid; chmod 4755 suid";
    subject.output(&id, script).await;
    let seen = async |at: &str| {
        let stat = look(subject, &id, at).await.expect("something");
        (
            stat.kind,
            stat.mode,
            stat.target.map(|target| target.as_str().to_owned()),
        )
    };
    assert_eq!(seen("/tmp/file").await, (FileKind::Regular, 0o640, None));
    assert_eq!(look(subject, &id, "/tmp/file").await.expect("it").size, 5);
    assert_eq!(seen("/tmp/dir").await, (FileKind::Directory, 0o2750, None));
    assert_eq!(seen("/tmp/suid").await, (FileKind::Regular, 0o4755, None));
    assert_eq!(seen("/tmp").await, (FileKind::Directory, 0o1777, None));
    assert_eq!(seen("/").await.0, FileKind::Directory);
    assert_eq!(seen("/tmp/pipe").await.0, FileKind::Special);
    for (link, target) in [
        ("link", "/tmp/file"),
        ("long", "/tmp/file"),
        ("todir", "/tmp/dir"),
    ] {
        let (kind, _, seen) = seen(&format!("/tmp/{link}")).await;
        assert_eq!((kind, seen.as_deref()), (FileKind::Symlink, Some(target)));
    }
    // A link in the middle of a path is followed.
    assert_eq!(seen("/tmp/todir/").await.0, FileKind::Symlink);
    subject.output(&id, "printf 1 >/tmp/dir/inner").await;
    assert_eq!(seen("/tmp/todir/inner").await.0, FileKind::Regular);
}

/// Nothing, a part that is missing, a part that is a file, a link that leads nowhere.
pub async fn a_look_at_nothing_finds_nothing(subject: &Subject) {
    let id = subject.idle().await;
    subject
        .output(&id, "ln -s /no/such /tmp/dangling; printf x >/tmp/file")
        .await;
    for at in ["/tmp/nosuch", "/no/such/path"] {
        assert_eq!(look(subject, &id, at).await, None, "{at}");
    }
    // What leads nowhere may be called a link or nothing; it is no error.
    let dangling = look(subject, &id, "/tmp/dangling").await;
    assert!(dangling.is_none_or(|stat| stat.kind == FileKind::Symlink));
}

/// Also names whose description needs every character of base64.
pub async fn a_look_works_whatever_the_name(subject: &Subject) {
    let id = subject.idle().await;
    for name in [
        "a b",
        "ü",
        "100%",
        "a+b",
        "a?b",
        "a#b",
        "a&b=c",
        "ÿÿÿ",
        "??>>~~",
        "\u{20ac}~\u{7ff}",
    ] {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o600);
        builder
            .append_data(&mut header, name, &b"x"[..])
            .expect("a file");
        let archive = builder.into_inner().expect("an archive").into();
        let written = subject
            .engine
            .write_archive(
                &call(),
                &id,
                &path("/tmp/odd"),
                Upload::Whole(archive),
                Ownership::Archive,
            )
            .await;
        written.expect("it is written");
        // One more character at a time moves the others through all positions of base64.
        for before in ["/tmp/odd/", "/tmp/./odd/", "/tmp//odd/"] {
            let stat = look(subject, &id, &format!("{before}{name}")).await;
            assert_eq!(
                stat.map(|stat| (stat.kind, stat.size)),
                Some((FileKind::Regular, 1)),
                "{name}"
            );
        }
    }
}

/// With names, modes and contents, one file or a tree.
pub async fn what_is_written_is_read_back(subject: &Subject) {
    let id = subject.idle().await;
    let files = [
        File("a.txt", "alpha", 0o600, 0),
        File("sub/b.txt", "", 0o755, 0),
    ];
    write(subject, &id, "/tmp/into", &files, Ownership::Archive).await;
    assert_eq!(
        subject
            .output(
                &id,
                "cat /tmp/into/a.txt; stat -c %a /tmp/into/a.txt /tmp/into/sub/b.txt"
            )
            .await,
        "alpha600\n755\n"
    );
    assert_eq!(
        read(subject, &id, "/tmp/into/a.txt").await,
        [("a.txt".into(), "alpha".into())]
    );
    let mut all = read(subject, &id, "/tmp/into").await;
    all.sort();
    assert_eq!(
        all,
        [
            ("into/a.txt".into(), "alpha".into()),
            ("into/sub/b.txt".into(), String::new())
        ]
    );
    // What is there is replaced.
    write(
        subject,
        &id,
        "/tmp/into",
        &[File("a.txt", "new", 0o644, 0)],
        Ownership::Archive,
    )
    .await;
    assert_eq!(
        read(subject, &id, "/tmp/into/a.txt").await,
        [("a.txt".into(), "new".into())]
    );
}

/// The archive's numbers, or the container's user.
pub async fn ownership_is_as_asked(subject: &Subject) {
    let mut spec = subject.spec(&["sleep", "1000"]);
    spec.user = Some(UserSpec::parse("1234:1234").expect("a user"));
    let id = subject.run(&spec).await;
    for (ownership, owner) in [(Ownership::Archive, 4321), (Ownership::ContainerUser, 1234)] {
        let name = format!("/tmp/{owner}");
        write(
            subject,
            &id,
            &name,
            &[File("f", "x", 0o644, 4321)],
            ownership,
        )
        .await;
        let seen = subject
            .output(&id, &format!("stat -c '%u %g' {name}/f"))
            .await;
        assert_eq!(seen, format!("{owner} {owner}\n"), "{ownership:?}");
    }
}

/// With all of its parents.
pub async fn a_missing_directory_is_made(subject: &Subject) {
    let id = subject.idle().await;
    let files = [File("f", "deep", 0o644, 0)];
    write(subject, &id, "/made/of/parts", &files, Ownership::Archive).await;
    assert_eq!(subject.output(&id, "cat /made/of/parts/f").await, "deep");
}

/// Never started and ended; the next start sees them.
pub async fn files_of_a_stopped_container_can_be_used(subject: &Subject) {
    let ended = subject.run(&subject.spec(&["true"])).await;
    subject.ended(&ended).await;
    for id in [subject.created().await, ended] {
        write(
            subject,
            &id,
            "/srv",
            &[File("f", "kept", 0o600, 0)],
            Ownership::Archive,
        )
        .await;
        let stat = look(subject, &id, "/srv/f").await.expect("it");
        assert_eq!(
            (stat.kind, stat.size, stat.mode),
            (FileKind::Regular, 4, 0o600)
        );
        assert_eq!(
            read(subject, &id, "/srv/f").await,
            [("f".into(), "kept".into())]
        );
    }
}

/// And it is said why.
pub async fn a_read_only_mount_is_not_written(subject: &Subject) {
    let directory = subject.directory.join(crate::unique("read-only"));
    std::fs::create_dir(&directory).expect("a directory");
    let mut spec = subject.spec(&["sleep", "1000"]);
    spec.mounts = vec![Mount {
        source: MountSource::Host(directory.display().to_string()),
        destination: path("/ro"),
        read_only: true,
    }];
    let id = subject.run(&spec).await;
    let archive = tar(&[File("f", "x", 0o644, 0)]);
    assert_fails!(
        subject.engine.write_archive(&call(), &id, &path("/ro"), Upload::Whole(archive), Ownership::Archive).await,
        Error::ReadOnly { message } if message.contains("/ro")
    );
    assert!(std::fs::read_dir(&directory).expect("it").next().is_none());
}

/// It is not replaced.
pub async fn a_file_in_place_of_a_directory_is_refused(subject: &Subject) {
    let id = subject.idle().await;
    subject.output(&id, "printf old >/tmp/file").await;
    for to in ["/tmp/file", "/tmp/file/below"] {
        let archive = tar(&[File("f", "x", 0o644, 0)]);
        assert_fails!(
            subject
                .engine
                .write_archive(
                    &call(),
                    &id,
                    &path(to),
                    Upload::Whole(archive),
                    Ownership::Archive
                )
                .await,
            Error::Invalid {
                field: "dest_path",
                conflict: false,
                ..
            }
        );
    }
    assert_eq!(subject.output(&id, "cat /tmp/file").await, "old");
}

/// The path is named, not the container.
pub async fn a_missing_path_can_not_be_read(subject: &Subject) {
    let id = subject.idle().await;
    for at in ["/tmp/nosuch", "/no/such/path"] {
        assert_fails!(
            subject.engine.read_archive(&call(), &id, &path(at)).await,
            Error::NotFound { resource: Resource::Path, name } if name == at
        );
    }
}

/// A file, a link and not what it leads to, a tree; what is not there needs no removal.
pub async fn a_path_is_removed_with_all_below_it(subject: &Subject) {
    let id = subject.idle().await;
    let script = "mkdir -p /tmp/tree/sub; echo x >/tmp/tree/sub/f; echo x >/tmp/file; echo x >/tmp/kept; ln -s kept /tmp/link; \
        ln -s tree /tmp/todir; ln -s /no/such /tmp/tonothing; ln -s /proc/version /tmp/faraway";
    subject.output(&id, script).await;
    let links = ["/tmp/link", "/tmp/todir", "/tmp/tonothing", "/tmp/faraway"];
    for at in links
        .into_iter()
        .chain(["/tmp/tree", "/tmp/file", "/tmp/nosuch"])
    {
        let removed = subject.engine.remove_path(&call(), &id, &path(at)).await;
        assert!(removed.is_ok(), "{at}: {removed:?}");
        assert_eq!(look(subject, &id, at).await, None, "{at}");
    }
    assert_eq!(
        subject.output(&id, "ls /tmp; cat /tmp/kept").await,
        "kept\nx\n"
    );
}

/// What is a pattern to others is a name here.
pub async fn a_name_is_no_pattern(subject: &Subject) {
    let id = subject.idle().await;
    let names = ["a?b", "[ab]", "c\\d", "[d]/f"];
    let script = "cd /tmp; mkdir '[d]'; echo other >axb; echo other >a; echo other >cd; for f in 'a?b' '[ab]' 'c\\d' '[d]/f'; do printf own >$f; done";
    subject.output(&id, script).await;
    for name in names {
        let at = format!("/tmp/{name}");
        assert_eq!(
            look(subject, &id, &at).await.expect("there").size,
            3,
            "{name}"
        );
        let files = read(subject, &id, &at).await;
        assert_eq!(files.len(), 1, "{name}: {files:?}");
        assert_eq!(files[0].1, "own", "{name}");
    }
    let tree = read(subject, &id, "/tmp/[d]").await;
    assert_eq!(tree.len(), 1, "{tree:?}");
    assert_eq!(look(subject, &id, "/tmp/?").await, None);
}
