# English. Every key here is also in zh-CN.ftl, with the same variables.

skip-to-content = Skip to content
nav-label = Sections
nav-tasks = Tasks
nav-rules = Rules
nav-dead-letters = Dead letters
language-label = Language
log-out = Log out
footer-zone = Times are shown in

login-title = Log in to Upturn
login-name = User name
login-password = Password
login-submit = Log in
login-wrong = The user name or the password is wrong.
login-too-many = Too many wrong passwords. Wait a quarter of an hour and try again.
login-no-users = Nobody can log in yet. Make the first user on the machine that runs Upturn:
login-no-users-name = NAME

tasks-title = Tasks
view-label = When due
view-all = All
view-overdue = Overdue
view-today = Due today
view-later = Later
view-closed = Closed
view-withdrawn = Withdrawn
view-trial = Trial
owner-label = Owner
owner-all = Everyone
owner-mine = Mine
owner-pool = Pools
owner-pool-prefix = Pool
inbox-news = { $n } new — show

task-title = Task
task-device = Device
task-account = Account
task-account-none = Not registered
task-owner = Owner
task-due = Due
task-due-none = No due time
task-status = Status
status-new = New
status-accepted = Accepted
status-done = Done
status-dismissed = Dismissed
status-withdrawn = Withdrawn
status-contradicted = Contradicted

empty-title = No tasks yet
empty-what = A task appears here as soon as a rule holds, for example when the same charger fails three times in a row.
empty-how = To try it, let a test device fail three times:
empty-demo = Or watch a simulated day:
empty-filter = No task matches this view
empty-show-all = Show all tasks
empty-page = There is nothing further back
pages-label = Pages
pages-newest = Back to the newest
pages-next = Older

keys-title = Keys
keys-down = Next task
keys-up = Previous task
keys-open = Open the task
keys-help = Show these keys
keys-close = Close

task-back = All tasks
task-why = Why this task
task-rule = Rule
task-version = version
task-held = { $n ->
    [one] held on one event at { $to }.
   *[other] held on { $n } events between { $from } and { $to }.
}
task-joined = { $n ->
    [one] It was joined by one further event at { $at }.
   *[other] It was joined by { $n } further events, the newest at { $at }.
}
episode-open = It is still going on; later events join this task.
episode-closed = It is over; later events can only make a new task.
task-withdrawn-note = Evidence that arrived late took away the reason for this task. There is nothing left to do.
task-contradicted-note = Evidence that arrived late took away the reason for this task after somebody had taken it on. Check with the customer before you go on.
task-taken-by = At { $at } the late event { $id } ({ $kind }) of { $device } came, which happened at { $occurred } and takes away what is below.
task-taken = At { $at } late evidence took away what is below.
task-trial-note = A rule on trial made this. Nobody was told, and nobody has to do anything.
task-actions = What to do with this task
task-accept = Accept
task-do = Done
task-dismiss = Dismiss
told-accept = You have accepted this task.
told-done = The task is done.
told-dismiss = The task is dismissed.
told-refused = That was not possible any more: somebody else was first, or the task was withdrawn. This is how it stands now.
task-facts = Facts
task-steps = What to do
steps-none = The rule names no steps.
step-send-coupon = Send a coupon
step-book-consultant = Book the technical consultant
task-kind = Kind
task-scope = Counted by
task-created = Made
task-id = Task id
task-history = History
history-detail = Details
history-none = Nothing has happened to this task since it was made.
audit-task-created = Made
audit-task-amended = Changed by late evidence
audit-task-withdrawn = Withdrawn by late evidence
audit-task-accepted = Accepted
audit-task-done = Done
audit-task-dismissed = Dismissed
audit-task-contradicted = Contradicted by late evidence
audit-rules-switched = Rules changed
audit-registry-switched = Registry changed
evidence-label = Evidence
evidence-time = Time
evidence-kind = Event
evidence-channel = Channel
evidence-code = Code
evidence-cause = Cause
evidence-info = Info
evidence-id = Event id
evidence-raw = Raw attributes

rules-title = Rules
rules-lead = Which events become which tasks. The rules are files; after an edit, reload them.
rules-empty = No rules
rules-empty-what = Put a rule file into the folder of the rules and reload.
rules-refused = The last reload changed nothing, because files are wrong:
rules-refused-more = and { $n } more; see all of them with upturn check
rules-switches = Changes
rule-name = Rule
rule-stage = Stage
rule-since = Since
rule-version = Version
rule-open = Open tasks
stage-live = Live
stage-shadow = Trial
stage-draft = Draft
stage-retired = Retired
stage-unknown = Not understood
rule-back = All rules
rule-gone-note = No version of this rule stands any more.
rule-document = Document
rule-history = History
rule-from = from
rule-until = to
rule-until-now = until now
rule-rollback = To go back to the version before, run this where Upturn runs and reload:
why-not-title = Why has this rule made no task for …?
why-not-scope = Device, or whatever the rule counts by
why-not-example = EVSE-0042
why-not-ask = Ask
why-not-out-of-force = The rule is not in force, so it makes no tasks.
why-not-version = Version { $version } answers.
why-not-never = No event of { $scope } has counted for this rule so far.
why-not-events = There are { $have } of the { $need } events that it needs.
why-not-steps = { $have } of the { $need } steps that it needs have happened.
why-not-seconds = It has lasted { $have } of the { $need } seconds that it needs.
why-not-value = The number is at { $have }; the rule needs { $need }.
why-not-quiet = Until { $at } another occurrence makes no task, because of the one before.
why-not-occurrences = What became of the occurrences
why-not-task = See the task
occurrence-at = At { $from }:
occurrence-open = Since { $from }:
occurrence-closed = From { $from } to { $to }:
fate-task = it is a task.
fate-joined = it joined another task.
fate-severe-ticket = held back, since a severe ticket of the account is open.
fate-no-consent = held back, since the account has not agreed to be approached.
fate-cap = held back, since the account has got as many tasks as it may.

dead-letters-title = Dead letters
dead-letters-lead = Messages that could not be read, kept as they came with the reason, and events that a rule failed on. All of them were acknowledged.
dead-letters-total = { $n ->
    [one] 1 message
   *[other] { $n } messages
}
dead-letters-empty = No dead letters
dead-letters-empty-what = A message lands here if its topic or content cannot be read. So far every message could be.
dead-letters-content = Content
dead-letters-cut = …
dead-letters-source = Source
dead-letters-again = came { $n } times, last at { $at }
dead-letters-download = Download the bytes
size-bytes = { $n ->
    [one] 1 byte
   *[other] { $n } bytes
}

time-now = now
time-ago = { $amount } ago
time-in = in { $amount }
due-overdue = Overdue by { $amount }
amount-minutes = { $n ->
    [one] { $n } minute
   *[other] { $n } minutes
}
amount-hours = { $n ->
    [one] { $n } hour
   *[other] { $n } hours
}
amount-days = { $n ->
    [one] { $n } day
   *[other] { $n } days
}

fault-home = To the tasks
fault-correlation = In the log under
fault-bad-request = The request is not understood
fault-bad-request-help = Something in the address or the form is not as expected. Go back and try again.
fault-unauthenticated = Nobody is logged in
fault-unauthenticated-help = Log in, or send a user name and password with HTTP Basic.
fault-cross-site = Refused: sent from another site
fault-cross-site-help = For safety, Upturn takes no orders from other sites. Open the page itself and try again.
fault-not-found = There is nothing here
fault-not-found-help = The address is wrong, or what it led to no longer exists.
fault-method-not-allowed = That cannot be done here
fault-method-not-allowed-help = The address exists, but not for this HTTP method.
fault-too-large = Too much was sent
fault-too-large-help = A request may have at most 1 MiB.
fault-unsupported-media-type = Sent in an unknown format
fault-unsupported-media-type-help = Send the form as application/x-www-form-urlencoded.
fault-task-closed = The task is closed
fault-task-closed-help = It was done, dismissed or withdrawn before. Look at it again.
fault-task-changed = Somebody else was first
fault-task-changed-help = The task has changed in the meantime. Look at it again.
fault-task-on-trial = The task is only a trial
fault-task-on-trial-help = A rule on trial made it. Nobody works on such tasks.
fault-wrong-events = Some of the events are wrong
fault-wrong-events-help = None of them was taken. Correct those that are listed, or leave them out, and send all again.
fault-wrong-rules = Rules or registry are wrong
fault-wrong-rules-help = Nothing was changed. Correct what is listed and reload again.
fault-too-many-attempts = Too many wrong passwords
fault-too-many-attempts-help = Wait a quarter of an hour and try again.
fault-internal = Something went wrong on our side
fault-internal-help = It was logged. Try again; if it happens again, tell the operator the id below.
fault-unavailable = Not available at the moment
fault-unavailable-help = The database does not answer or takes too long. Try again in a moment.

nav-destinations = Destinations
destinations-title = Destinations
destinations-lead = The systems that are told of tasks. Each letter goes out until it has arrived; one that does not waits here for a person.
destinations-empty = Nobody is told
destinations-empty-what = Put destinations and routes into the folder that [delivery] dir names, and reload.
destination-name = Destination
destination-state = State
destination-waiting = Waiting
destination-parked = Parked
destination-worked = Last worked
destination-error = Last trouble
destination-actions = Actions
destination-test = Test
destination-on = Turn on
destination-gone = No document names it any more
circuit-closed = Works
circuit-open = Pausing after failures
circuit-half-open = Trying again
circuit-off = Turned off
parked-title = Parked letters
parked-lead = These were tried often enough, or were refused. Later letters about the same task wait behind them.
letter-event = Event
letter-written = Written
letter-why = Why
letter-record = Record there
letter-again = Send again
letter-drop = Give up
letter-waiting = waiting
letter-collecting = being collected
letter-collected = sent with others
letter-parked = parked
letter-sent = sent
letter-dropped = not sent
letter-tries = { $n ->
    [one] 1 try in vain
   *[other] { $n } tries in vain
}
deliveries-title = Told elsewhere
requirements-title = Asked for because of this
requirement-ask = Ask for something
requirement-kind = What it is
requirement-requirement = Requirement
requirement-feedback = Feedback
requirement-priority = Priority
requirement-text = In your words
requirement-send = Send
priority-low = Low priority
priority-normal = Normal priority
priority-high = High priority
told-destination-on = It is tried again.
told-letter-again = It goes out again, unless it is found there.
told-letter-drop = It will not go out.
told-letter-refused = That is not possible any more. Look at the letter again.
told-test-worked = { $id } works: { $said }
told-test-failed = { $id } does not work: { $said }
told-asked = It was passed on.
told-not-asked = It was not passed on: write 1 to 4000 characters.
audit-requirement-created = Asked for something
audit-task-conflict = Closed differently elsewhere
audit-letter-again = Sent a letter again
audit-letter-given-up = Gave a letter up
audit-destination-turned-on = Turned a destination on
audit-digest = Letters put together
fault-letter-state = The letter's state does not allow it
fault-letter-state-help = It was sent, given up, or is being sent. Look at it again.
fault-not-routed = Nobody is told of it
fault-not-routed-help = No route sends such letters anywhere. Ask the operator for one.
