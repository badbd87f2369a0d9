//! What is not on every machine: wider samples beside the repository, servers.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

static SAID: Once = Once::new();

/// Returns `path` among the wider samples; `None`, with one line that says so, where it is not.
pub fn find(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(path);
    if found.exists() {
        return Some(found);
    }
    left_out(&SAID, "the wider samples; ../shared is not beside this repository");
    None
}

/// Says once, past the test runner's capture, what is left out.
pub fn left_out(said: &'static Once, what: &str) {
    said.call_once(|| {
        // Where standard error is closed there is nobody to tell.
        drop(writeln!(std::io::stderr(), "not tested: {what}"));
    });
}
