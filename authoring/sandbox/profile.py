"""The sandbox's temper: each known or guessed difference between deployments is one switch, with its source.

Comes in: nothing. Goes out: `Profile`, a frozen set of switches that `rules` and the routes read.

`DOCUMENTED` behaves as the platform's documentation says, `OBSERVED` as a deployment was seen to behave. Where no source
says anything, the field's docstring begins with *Guess*, so that the list of guesses is the list of such fields.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import MappingProxyType

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Profile:
    """One temper. Every field is a switch; the defaults are those of `DOCUMENTED`."""

    name: str = "documented"

    # -- seen on a deployment, against the documentation ---------------------------------------------------------------

    position_breaks: bool = False
    """`position` in a create is a 500 (platform documentation: accepted; seen on a deployment: 500)."""
    html_create_drops_title: bool = False
    """A create of an html block passes over `display_name`: the title is "Text" until an update sets it."""
    details_only_text: bool = False
    """`get-details` answers 406 for every category but html and video."""
    details_complete: bool = True
    """`get-details` also tells `metadata` and `category`; seen: only `id`, `data` and `display_name`."""
    empty_replies: bool = False
    """`xblock/update` and `xblock/publish` answer 200 with an empty body; documented: JSON."""
    static_rewritten: bool = False
    """A read has `/static/x` rewritten to served addresses (Open edX: get_block_info, `rewrite_static_links`)."""
    slash_redirects: bool = False
    """A path without its trailing slash is answered 301, which drops the body of a write (Django: APPEND_SLASH);
    otherwise both forms are served."""
    bearer_refused: bool = False
    """Studio takes no token on any route, only sessions."""
    collisions_lose: bool = False
    """Of two writes to one course that overlap, the later to end is lost and answered 200 all the same (Open edX:
    xmodule/modulestore/split_mongo/mongo_connection.py, `update_course_index`)."""
    full_course_keeps_partial: bool = False
    """A malformed spec given to `create_full_course` keeps what was made before the fault; documented: one transaction."""
    olx_reformats: bool = False
    """An import drops the white space between elements of a problem or another XML body and indents it anew (Open edX:
    xmodule/xml_block.py, `EDX_XML_PARSER`); otherwise the text stays as it was written."""
    bot_secrets_dropped: bool = False
    """Secrets in a body of `bot/` are passed over, and `is_configured` stays false; documented: they are taken."""
    bot_filter_ignored: bool = False
    """`bot-commands/?bot=` lists the commands of every bot; documented: of that one."""
    issuer_status: int = 200
    """What a read of an issuer answers; a program of the vendor waits for 201."""
    pathways_need_user_id: bool = False
    """A pathway without `user_id` is a 400; documented: `username` alone will do."""
    pacing_locked: bool = True
    """`self_paced` cannot be changed once the start has passed, nor in one body with such a start."""

    # -- where no source says anything ---------------------------------------------------------------------------------

    bearer_on_stock: bool = False
    """Guess: Studio's own routes (`/xblock/`, `/settings/`, `/assets/`, `/api/contentstore/`) take no token."""
    token_lifetime: float = 3600.0
    """Guess: seconds that a token lives. `SandboxServer(token_lifetime=…)` overrides it."""
    missing_status: int = 404
    """Guess: what a read or write of a block that is not there answers. Stock views let the exception through, so that
    some releases answer 500; the newer ones document 404."""
    position_inserts: bool = True
    """Guess: where `position` works, it is the zero-based place among the parent's children; too large appends."""
    blank_has_template: bool = False
    """Guess: `problem_type: blank` makes a problem without a title; true: from Studio's template, whose title "Blank Common
    Problem" stays unless the call sets another."""
    rerun_seconds: float = 0.0
    """Guess: seconds until the copy of a course rerun is there; until then it is an in-process action."""
    olx_transfer: bool = True
    """Guess: Studio's own import and export of OLX (`/import/…`, `/export/…`, `/api/courses/v0/import/…`) are reachable, as
    its other routes are; false: 404."""
    zip_imports: bool = False
    """Guess: an import also takes a `.zip`, as releases from 2025 on do; false: `.tar.gz` alone, which all take."""
    transfer_seconds: float = 0.0
    """Guess: seconds until an import or an export is done; until then its status tells the stage."""
    json_limit: int = 64 * MEGABYTE
    """Guess: bytes of the largest JSON body; a larger one is a 400, as Django's DATA_UPLOAD_MAX_MEMORY_SIZE makes it. The
    platform's own limit differs by site (Django's default is 2.5 MB, and packages travel in JSON)."""
    asset_limit: int = 100 * MEGABYTE
    """Guess: bytes of the largest file of a course; a larger one is a 413. Sites set 20 to 100 MB."""
    duplicate_passports: bool = True
    """Guess: `add_lti_passport` appends, whatever ids are there already; false: a taken id is a 400."""
    bulk_rows_told: bool = True
    """Guess: a bulk enrolment answers `{"results": [{identifier, success, error}]}`; false: one sentence for all of them."""
    existing_user_status: int = 400
    """Guess: what `users/manage` answers to a username or an email that is taken, without `update`."""
    unknown_user_status: int = 404
    """Guess: what a single enrolment of a user or course that is not there answers; in bulk it is a row's error."""
    duplicate_mentors: bool = True
    """Guess: a second mentor of the same name is made; false: a 400."""
    terms_matched_by_name: bool = False
    """Guess: a role or skill posted without `id` is a new row, even with the name of another; true: it changes that one."""
    claims_append: bool = False
    """Guess: a person's desired and reported roles and skills are replaced by a post; true: added to."""
    credentials_public: bool = False
    """Guess: a credential whose body does not say is not public, so that no list shows it."""
    exports_closed: bool = False
    """Guess: the export of a course's credentials is open to the key; true: 403, since it is documented for administrators."""
    duplicate_assertions: bool = True
    """Guess: a credential is given twice when it is asked for twice; false: the first assertion is answered with a 200."""
    launches_partly: bool = False
    """Guess: a launch succeeds unless its key or its user is taken; true: each is a 417 with a tenant and no administrator."""
    course_key_checked: bool = True
    """Guess: `xblock/update` whose `courseKey` is not that of the locator is a 400; false: passed over."""


DOCUMENTED = Profile()
"""Everything works as the platform's documentation says."""

OBSERVED = Profile(
    name="observed",
    position_breaks=True,
    html_create_drops_title=True,
    details_only_text=True,
    details_complete=False,
    empty_replies=True,
    static_rewritten=True,
    slash_redirects=True,
    bearer_refused=True,
    collisions_lose=True,
    full_course_keeps_partial=True,
    olx_reformats=True,
    bot_secrets_dropped=True,
    bot_filter_ignored=True,
    issuer_status=201,
    pathways_need_user_id=True,
)
"""What was seen on a deployment, and what Open edX's own code says where the documentation is silent."""

PROFILES = MappingProxyType({profile.name: profile for profile in (DOCUMENTED, OBSERVED)})

SWITCHES = tuple(field.name for field in fields(Profile) if field.name != "name")
"""Every switch by name."""
