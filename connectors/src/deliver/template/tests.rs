//! Tables of letters and what people read of them.

use super::*;

fn own(file: &str, source: &str) -> Result<Templates, TemplateError> {
    Templates::new([(file.to_owned(), source.to_owned())].into())
}

#[test]
fn every_kind_reads_well_in_both_languages_with_everything_and_with_nothing() {
    let templates = Templates::default();
    assert_eq!(templates.check(), []);
    let digest = json!({"count": 2, "zone": "Asia/Shanghai", "letters": [
        {"event": "task-created", "title": {"en": "A", "zh": "甲"}, "due_at": "2026-01-20T10:00:00Z"},
        {"event": "task-done", "title": {"en": "B"}, "url": "https://upturn.example/tasks/t2"},
    ]});
    let text = render(&templates, Place::default(), "digest", "zh", &digest).unwrap();
    assert_eq!(text.title, "任务汇总：2");
    let listed = "- 新任务：甲，截止 2026-01-20 18:00 Asia/Shanghai\n- 任务已完成：B\n";
    assert!(text.plain.starts_with(listed), "{}", text.plain);
    assert!(text.markdown.unwrap().contains("[任务已完成：B](https://upturn.example/tasks/t2)"));
    for (kind, en, zh) in HEADLINES {
        for (language, headline) in [("en", en), ("zh", zh), ("zh-CN", zh), ("fr", en)] {
            let text = render(&templates, Place::default(), kind, language, &json!({})).unwrap();
            assert!(text.title.starts_with(headline), "case: {kind} {language}: {}", text.title);
            let all = format!("{text:?}");
            assert!(!all.contains("none") && !all.contains("undefined"), "case: {kind}: {all}");
        }
    }
    let text = render(&templates, Place::default(), "task-created", "zh", &sample("task-created"))
        .unwrap();
    assert_eq!(text.title, "新任务：连续三次充电失败（EVSE-0042）");
    assert!(text.plain.contains("截止：2026-01-20 18:00 Asia/Shanghai"), "{}", text.plain);
    assert!(text.plain.contains("- book_consultant"), "{}", text.plain);
    let utc = render(
        &templates,
        Place::default(),
        "x",
        "en",
        &json!({"due_at": "2026-01-20T10:00:00Z", "zone": "Moon"}),
    );
    assert!(utc.unwrap().plain.contains("Due: 2026-01-20 10:00 UTC"));
}

#[test]
fn what_a_device_says_stays_text() {
    let hostile = "a\r\nBcc: x\u{202e}<script>alert(1)</script>[x](http://evil)*b* {{ 7*7 }} @all";
    let body = json!({
        "device": hostile, "title": hostile, "steps": [hostile], "reason": hostile,
        "link": "javascript:alert(1)", "text": hostile, "count": 3, "letters": [{"title": {"en": hostile}, "device": hostile}], hostile: hostile,
    });
    for language in LANGUAGES {
        let text = render(&Templates::default(), Place::default(), "task-created", language, &body)
            .unwrap();
        assert!(!text.title.contains(['\r', '\n', '\u{202e}']), "{}", text.title);
        assert!(!text.plain.contains("\nBcc"), "{}", text.plain);
        assert!(text.plain.contains("{{ 7*7 }}"), "nothing is evaluated twice");
        let html = text.html.unwrap();
        assert!(!html.contains("<script") && !html.contains("javascript:"), "{html}");
        let markdown = text.markdown.unwrap();
        assert!(!markdown.contains("<script") && !markdown.contains("[x](http"), "{markdown}");
        assert!(markdown.contains(r"\*b\*"), "{markdown}");
    }
    let link = json!({"link": "https://u.example/t/(1)?a=<b>"});
    let text =
        render(&Templates::default(), Place::default(), "task-created", "en", &link).unwrap();
    assert!(text.markdown.unwrap().contains("(https://u.example/t/%281%29?a=%3Cb%3E)"));
}

#[test]
fn an_operators_template_is_preferred_and_its_mistakes_are_named() {
    let templates = own("task-created.en.txt", "Call {{ account }}\n\nabout {{ device }}").unwrap();
    let text = render(&templates, Place::default(), "task-created", "en", &sample("task-created"))
        .unwrap();
    assert_eq!((&*text.title, &*text.plain), ("Call northside", "about EVSE-0042\n"));
    assert!(text.html.unwrap().contains("New task"), "the built-in one stands for the others");

    let refused = [
        ("task-created.en.exe", "x", None, "no format"),
        ("task-created.fr.txt", "x", None, "no language"),
        ("task-made.en.txt", "x", None, "no kind of letter"),
        ("../letter.en.txt", "x", None, "no letter finds"),
        ("email/letter.en.txt", "x", None, "no letter finds"),
        ("channels/letter.en.txt", "x", None, "no letter finds"),
        ("channels/a/b/letter.en.txt", "x", None, "no letter finds"),
        ("channels/email/letter.en.exe", "x", None, "no format"),
        ("letter.en.txt", "a\n{% if x %}", Some(2), "syntax error"),
        ("letter.en.txt", "{% include '/etc/passwd' %}", Some(1), "syntax error"),
        ("letter.en.txt", &"x".repeat(SOURCE_MAX + 1), None, "bytes"),
    ];
    for (file, source, line, what) in refused {
        let error = own(file, source).unwrap_err();
        assert_eq!((&*error.file, error.line), (file, line), "case: {file}: {error}");
        assert!(error.what.contains(what), "case: {file}: {error}");
    }
    let wrong = [
        ("title\n{{ acount }}", Some(2), "do not have"),
        (
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
            Some(1),
            "steps",
        ),
        ("{% for a in range(9999) %}0123456789abcdef{% endfor %}", None, "bytes come out"),
    ];
    for (source, line, what) in wrong {
        let errors = own("letter.en.txt", source).unwrap().check();
        let [error] = &*errors else { panic!("case: {source}: {errors:?}") };
        assert!(line.is_none() || error.line == line, "case: {source}: {error}");
        assert!(error.what.contains(what), "case: {source}: {error}");
    }
}

#[test]
fn the_closest_template_is_taken_and_what_is_written_for_the_kind_before_what_fits_all() {
    let files = [
        "destinations/crm/task-created.en.txt",
        "destinations/crm/letter.en.txt",
        "channels/email/task-created.en.txt",
        "channels/email/letter.en.txt",
        "task-created.en.txt",
        "letter.en.txt",
    ];
    let place = Place { channel: "email", destination: "crm" };
    for (number, first) in files.iter().enumerate() {
        let left = files.iter().skip(number);
        let own = left.map(|file| ((*file).to_owned(), format!("{file}\n{{{{ device }}}}")));
        let templates = Templates::new(own.collect()).unwrap();
        let body = sample("task-created");
        let text = render(&templates, place, "task-created", "en", &body).unwrap();
        assert_eq!((&*text.title, &*text.plain), (*first, "EVSE-0042\n"));
        let elsewhere = Place { channel: "wecom", destination: "group" };
        let text = render(&templates, elsewhere, "task-created", "en", &body).unwrap();
        assert!(
            !text.title.contains("destinations") && !text.title.contains("channels"),
            "{first}"
        );
        let other = render(&templates, place, "task-created", "zh", &body).unwrap();
        assert!(other.title.starts_with("新任务"), "another language is not taken: {first}");
    }
    let wrong = own("channels/email/digest.en.html", "<p>\n{{ acount }}").unwrap().check();
    assert_eq!(
        wrong[0].to_string().split(": ").next().unwrap(),
        "template channels/email/digest.en.html, line 2"
    );
}
