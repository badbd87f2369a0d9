//! Fail points: places where a test lets this program go wrong, to find out what comes of it.
//!
//! | point | what goes wrong |
//! |---|---|
//! | `before-commit` | the process ends when everything is written but the commit |
//! | `after-commit-before-ack` | the process ends when nothing is missing but the acknowledgement |
//! | `ack-before-commit` | messages are acknowledged before they are committed |
//! | `after-send-before-mark` | the process ends when a letter has arrived and nobody wrote that down |
//! | `deaf` | the active process does not notice that its claim was lost |
//! | `skip-fence` | it commits behind whatever is in the database, whoever wrote it |
//!
//! They exist only in a build with the feature `failpoints`, which no release build takes. Such a
//! build reads them from the environment: `FAILPOINTS=before-commit=1%return`.

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("the feature failpoints is for tests; leave it out of release builds");

/// Listens to the environment from here on.
#[cfg(feature = "failpoints")]
pub(crate) fn start() {
    // Never torn down: the points stand as long as the process.
    std::mem::forget(fail::FailScenario::setup());
}

/// Returns whether `point` is to go wrong this time.
#[cfg(feature = "failpoints")]
pub(crate) fn is_set(point: &str) -> bool {
    fail::fail_point!(point, |_| true);
    false
}

/// Ends the process on the spot, as a power cut would, if `point` is to go wrong this time.
#[cfg(feature = "failpoints")]
pub(crate) fn crash(point: &str) {
    if is_set(point) {
        std::process::abort();
    }
}

/// Does nothing in this build.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn start() {}

/// Returns that it is not: this build has no fail points.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn is_set(_point: &str) -> bool {
    false
}

/// Does nothing in this build.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn crash(_point: &str) {}
