//! Opening databases that are not there, are not databases, or do not let us in.

use std::error::Error as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use super::Store;
use super::error::StoreError;
use super::testing::{each_backend, each_empty_backend, postgres_server, url_of, with_database};

/// Returns the error of opening `url`, and asserts that no part of it tells the password.
async fn refusal(url: &str) -> StoreError {
    let error = Store::open(url).await.unwrap_err();
    let mut told = format!("{error:?} {error}");
    let mut cause = error.source();
    while let Some(source) = cause {
        told.push_str(&source.to_string());
        cause = source.source();
    }
    assert!(!told.contains("s3cret"), "{told}");
    assert!(!error.to_string().contains('\n'), "one line: {error}");
    error
}

#[tokio::test]
async fn a_sqlite_file_that_cannot_be_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "text").unwrap();

    let missing = refusal(&url_of(&path("no/such/upturn.db"))).await;
    assert_eq!(
        missing.to_string(),
        format!(
            "the folder {} of the database does not exist; make it, or change the store url",
            path("no/such").display()
        )
    );
    assert!(!path("no").exists(), "folders are not made");

    let below_a_file = refusal(&url_of(&path("file/upturn.db"))).await;
    assert!(matches!(below_a_file, StoreError::NoFolder(_)), "{below_a_file}");

    let a_folder = refusal(&url_of(folder.path())).await;
    assert!(matches!(a_folder, StoreError::NotWritable { .. }), "{a_folder}");
    assert!(a_folder.source().unwrap().to_string().contains("directory"));

    for error in [missing, below_a_file, a_folder] {
        assert!(!error.is_transient(), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_sqlite_file_in_a_folder_that_is_not_ours_is_one_clear_line() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upturn.db");
    let open_to =
        |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    let store = Store::open(&url_of(&path)).await.unwrap();
    store.close().await;
    open_to(0o555);
    if fs::write(folder.path().join("probe"), "").is_ok() {
        return; // Whoever may write everywhere (root) sees no such error.
    }
    let error = refusal(&url_of(&path)).await;
    open_to(0o755);
    assert_eq!(
        error.to_string(),
        format!(
            "{} cannot be opened for writing; check its owner and permissions",
            folder.path().display()
        )
    );
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upturn.db");
    let text = "a letter to a customer, not a database\n".repeat(200);
    fs::write(&path, &text).unwrap();

    let error = refusal(&url_of(&path)).await;
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");
    assert!(error.to_string().contains("run `upturn doctor`"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_damaged_file_is_found_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upturn.db");
    let store = Store::open(&url_of(&path)).await.unwrap();
    store.migrate().await.unwrap();
    store.check().await.unwrap();
    store.close().await;

    let mut bytes = fs::read(&path).unwrap();
    let page = bytes.chunks_mut(4096).nth(3).unwrap();
    page.fill(0xee);
    fs::write(&path, &bytes).unwrap();
    let store = Store::open(&url_of(&path)).await.unwrap();
    let error = store.check().await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert!(!error.is_transient());
    store.close().await;
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_sqlite_file_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upturn.db");
    let store = Store::open(&url_of(&path)).await.unwrap();
    store.migrate().await.unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "file: {:?}", entry.file_name());
    }
    store.close().await;
}

#[tokio::test]
async fn a_database_that_is_open_answers_and_does_not_once_it_is_closed() {
    each_empty_backend(async |store| {
        store.ping().await.unwrap();
        store.close().await;
        let error = store.ping().await.unwrap_err();
        assert!(error.is_transient(), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_commit_is_on_the_disk_before_it_returns() {
    each_backend(async |store| {
        let durable: bool = match &store.0 {
            super::Backend::Sqlite(database) => {
                let row: (i64,) =
                    sqlx::query_as("PRAGMA synchronous").fetch_one(&database.writer).await.unwrap();
                row == (2,)
            }
            // The server of the tests has it switched off.
            super::Backend::Postgres(database) => {
                let sql = "SELECT current_setting('synchronous_commit') <> 'off'";
                sqlx::query_scalar(sql).fetch_one(&database.pool).await.unwrap()
            }
        };
        assert!(durable);
    })
    .await;
}

#[tokio::test]
async fn a_postgres_server_that_is_away_is_tried_again() {
    // Taken and given back, so nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = refusal(&format!("postgres://upturn:s3cret@{address}/plant")).await;
    assert_eq!(
        error.to_string(),
        format!(
            "postgres://upturn@{address}/plant does not answer; check that the server runs and \
             the store url is right"
        )
    );
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_line_that_is_cut_in_the_handshake_is_tried_again() {
    for sslmode in ["disable", "prefer"] {
        let address = answer_once(Vec::new());
        let url = format!("postgres://upturn:s3cret@{address}/plant?sslmode={sslmode}");
        let error = refusal(&url).await;
        assert!(error.is_transient(), "case: {sslmode}: {error:?}");
    }
}

#[tokio::test]
async fn a_postgres_server_that_refuses_is_not_tried_again() {
    let cases = [
        ("28P01", "password authentication failed", false),
        ("28000", "no pg_hba.conf entry", false),
        ("3D000", "database \"plant\" does not exist", false),
        ("57P03", "the database system is starting up", true),
        ("53300", "too many clients already", true),
    ];
    for (code, message, is_transient) in cases {
        let address = refuse_one_with(code, message);
        let url = format!("postgres://upturn:s3cret@{address}/plant?sslmode=disable");
        let error = refusal(&url).await;
        assert_eq!(error.is_transient(), is_transient, "case: {code}: {error}");
        let shown = format!("postgres://upturn@{address}/plant ");
        assert!(error.to_string().starts_with(&shown), "case: {code}: {error}");
        assert!(error.source().unwrap().to_string().contains(message), "case: {code}");
    }
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_not_made() {
    let Some(server) = postgres_server() else {
        return;
    };
    let error = refusal(&with_database(&server, "upturn_test_no_such")).await;
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
}

/// Answers the first connection like a PostgreSQL server that refuses it with `code`.
fn refuse_one_with(code: &str, message: &str) -> SocketAddr {
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap();
    answer_once([b"E".as_slice(), &length.to_be_bytes(), fields.as_bytes()].concat())
}

/// Hears out the first connection, answers it and closes it.
fn answer_once(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut startup = [0; 1024];
        assert_ne!(connection.read(&mut startup).unwrap(), 0);
        connection.write_all(&answer).unwrap();
    });
    address
}
