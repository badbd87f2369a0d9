//! The test of the tests: a program that breaks its promise must be found out, and one that dies in
//! the worst moment must keep it.
//!
//! They need a build with fail points, which `tests/run --long` makes.

use std::path::PathBuf;
use std::sync::Once;

use upturn_tests::binary::scale;
use upturn_tests::shared::left_out;
use upturn_tests::site::{Database, Plan};

use crate::load::{self, Kept};
use crate::power_cut::{at_least_once, cut_while_publishing};
use crate::standby::wake_up_too_late;

/// Returns a plan whose program goes wrong at `points`.
pub(crate) fn going_wrong(points: &str) -> Option<Plan> {
    let Some(program) = std::env::var_os("UPTURN_TEST_FAILPOINTS") else {
        static SAID: Once = Once::new();
        left_out(&SAID, "the tests themselves; tests/run --long builds what that needs");
        return None;
    };
    Some(Plan {
        program: Some(PathBuf::from(program)),
        environment: vec![("FAILPOINTS", points.to_owned())],
        ..load::plan()
    })
}

#[test]
fn a_program_that_dies_in_the_worst_moment_keeps_its_promise() {
    for point in ["before-commit", "after-commit-before-ack"] {
        // At the third commit of each life; the tests start it again.
        let Some(plan) = going_wrong(&format!("{point}=2*off->1*return->off")) else { return };
        let messages = scale(6_000, 20_000);
        let mut site = upturn_tests::site::Site::start(&plan);
        let (port, load) = (site.mqtt, load::messages(messages));
        std::thread::scope(|scope| {
            let all = scope.spawn(|| upturn_tests::fleet::publish(port, &load, 500, |_| {}));
            let mut deaths = 0;
            while !all.is_finished() {
                if site.running().is_alive() {
                    std::thread::yield_now();
                    continue;
                }
                deaths += 1;
                site.launch();
            }
            assert!(0 < deaths, "{point} was never reached");
        });
        site.until_ready();
        assert_eq!(load::kept(&site, messages), Kept::ALL, "{point}");
    }
}

#[test]
fn a_program_that_acknowledges_before_the_commit_is_found_out() {
    let Some(plan) = going_wrong("ack-before-commit=return") else { return };
    let kept = cut_while_publishing(&plan, at_least_once, (20_000, 10));
    assert!(0 < kept.lost, "{kept:?}");
}

#[test]
fn the_compare_and_set_alone_refuses_whoever_does_not_know_that_it_lost_the_claim() {
    let Some(database) = Database::create() else { return };
    let Some(plan) = going_wrong("deaf=return") else { return };
    let plan = Plan { database: Some(database.url.clone()), ..plan };
    assert_eq!(wake_up_too_late(&plan), (false, 1));
}

#[test]
fn a_program_without_the_compare_and_set_is_found_out() {
    let Some(database) = Database::create() else { return };
    let Some(plan) = going_wrong("deaf=return;skip-fence=return") else { return };
    let plan = Plan { database: Some(database.url.clone()), ..plan };
    // It takes the third failure for the second one, and whoever works in its place never sees it.
    assert_eq!(wake_up_too_late(&plan), (true, 0));
}
