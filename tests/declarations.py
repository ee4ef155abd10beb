"""A declaration of each kind, and one of all kinds; what else they need: lists of people, a picture, secrets."""

from __future__ import annotations

from types import MappingProxyType

from tests.platformdesk import SECRETS, PlatformDesk

SKILLS = """
skills:
  reading-charts:
    name: Reading charts
    slug: reading-charts
    data: {level: 2}
  fair-comparisons: {}
"""
ROLES = """
roles:
  data-analyst:
    name: Data analyst
"""
CATALOG = """
catalog:
  data:
    course: course
    name: Reading data
    metadata: {promo: spring, weeks: 5}
"""
RESOURCES = """
resources:
  handbook:
    resource_type: pdf
    url: https://example.com/handbook.pdf
    name: The handbook
    description: All of it.
    skills: [Reading charts]
    image: picture.png
  film:
    resource_type: video
    url: https://example.com/film
    username: ada
    user_id: 7
"""
PROGRAMS = """
programs:
  foundations:
    name: Foundations
    courses: [course, course-v1:Demo+DS200+2027_T1]
    program_type: custom
    enabled: true
"""
PATHWAYS = """
pathways:
  start-here:
    name: Start here
    username: ada
    user_id: 7
    path:
      - course: course
      - program: foundations
      - resource: handbook
  further:
    name: Further
    username: ada
    user_id: 7
    path:
      - pathway: start-here
      - course: course-v1:Demo+DS200+2027_T1
"""
CREDENTIALS = """
credentials:
  certificate:
    name: Certificate in reading data
    description: You can read data.
    courses: [course]
    public: true
    metadata: {hours: 20}
  hidden:
    name: Badge
    courses: [course]
"""
MENTORS = """
mentors:
  tutor:
    name: Data tutor
    settings:
      system_prompt: Help with data.
      llm_temperature: 0.5
    courses: [course]
"""
BOTS = """
bots:
  helper:
    provider: slack
    client_secret: ${BOT_SECRET}
    app_token: ${BOT_TOKEN}
"""
BOT_COMMANDS = """
bot_commands:
  ask:
    bot: helper
    mentor: tutor
"""
PERSONS = """
people:
  ada:
    user_id: 7
    desired_skills: [reading-charts]
    reported_skills: [reading-charts, fair-comparisons]
    desired_roles: [data-analyst]
"""
LISTS = """
users:
  - file: users.csv
    password: ${NEW_PASSWORD}
enrolments:
  - file: cohort.csv
    course: course
"""
ASSERTIONS = """
assertions:
  finished:
    credential: certificate
    course: course
    people: [ada, bob]
"""
TENANT = """
tenant:
  key: newtenant
  name: New tenant
  username: newadmin
  email: newadmin@example.com
  password: ${ADMIN_PASSWORD}
"""

BY_KIND = MappingProxyType(
    {
        "skills": SKILLS,
        "roles": ROLES,
        "catalog": CATALOG,
        "resources": RESOURCES,
        "programs": PROGRAMS,
        "pathways": PROGRAMS + RESOURCES + PATHWAYS,
        "credentials": CREDENTIALS,
        "mentors": MENTORS,
        "bots": BOTS,
        "bot_commands": MENTORS + BOTS + BOT_COMMANDS,
        "people": SKILLS + ROLES + PERSONS,
        "lists": LISTS,
        "assertions": CREDENTIALS + ASSERTIONS,
        "tenant": TENANT,
    }
)
ALL = "".join(
    (
        TENANT,
        SKILLS,
        ROLES,
        CATALOG,
        RESOURCES,
        PROGRAMS,
        PATHWAYS,
        CREDENTIALS,
        MENTORS,
        BOTS,
        BOT_COMMANDS,
        PERSONS,
        LISTS,
        ASSERTIONS,
    )
)
USERS_CSV = "username,email,password_env\ngrace,grace@example.com,GRACE_PASSWORD\nalan,alan@example.com,\n"
COHORT_CSV = "username,course\nada,\nbob,course\n"
FLAGS = MappingProxyType({"launch_tenant": True, "issue": True})
"""Consent to all that needs it."""


def declare(desk: PlatformDesk, text: str) -> None:
    """Write a declaration with all that may belong to it."""
    desk.write(text, users__csv=USERS_CSV, cohort__csv=COHORT_CSV, picture__png="not really a picture")
    desk.environ.update(SECRETS)
