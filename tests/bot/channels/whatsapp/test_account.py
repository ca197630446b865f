"""What a WhatsApp account is asked about itself: credentials, subscription, templates, files."""

import pytest

from bot.channels import whatsapp
from bot.channels.contract import Account, FetchProblem, MediaRef, Rejected, Template
from bot.channels.whatsapp.errors import _RANGES, _TABLE, find_remedy, remedy_of
from tests.contracts.cases.whatsapp import CASE
from tests.contracts.meta import SECRETS, error
from tests.contracts.platform import Answer

NUMBER, BUSINESS = "1055550001", "900100200"


@pytest.fixture
def channel(session):
    return whatsapp.create(session, patience=1)


@pytest.fixture
def account(platform):
    for path, answer in CASE.check_answers.items():
        platform.answer(path, answer)
    return CASE.account(platform.url)


def changed(path, **fields):
    return Answer({**CASE.check_answers[path].body, **fields})


async def test_a_healthy_number_lacks_nothing(channel, account):
    health = await channel.check(account)
    assert (health.name, health.subscribed, health.missing, health.expires_at) == ("ACME", True, (), None)
    assert health.details["quality"] == "GREEN"


async def test_what_is_missing_is_said_in_sentences(channel, account, platform):
    platform.answer(f"/{NUMBER}", changed(f"/{NUMBER}", status="PENDING"))
    token = {"app_id": "77", "scopes": ["whatsapp_business_messaging"], "expires_at": 1795100000}
    platform.answer("/debug_token", Answer({"data": token}))
    others = {"data": [{"whatsapp_business_api_data": {"id": "78"}}]}
    platform.answer(f"/{BUSINESS}/subscribed_apps", Answer(others))
    health = await channel.check(account)
    assert health.subscribed is False
    assert health.expires_at.year == 2026
    assert health.missing == (
        "The access token lacks the permission whatsapp_business_management.",
        "WhatsApp does not list this number as connected: register it at Meta first.",
        "Messages do not reach Bandeja yet: it is not subscribed to this WhatsApp Business account.",
    )


async def test_a_field_the_token_may_not_read_does_not_fail_the_check(channel, account, platform):
    platform.answer(f"/{NUMBER}", error(10, status=403), CASE.check_answers[f"/{NUMBER}"])
    assert (await channel.check(account)).name == "ACME"
    wide, narrow = platform.asked_at(f"/{NUMBER}")
    assert "throughput" in wide.query["fields"]
    assert "throughput" not in narrow.query["fields"]


async def test_what_cannot_be_told_is_not_called_missing(channel, account, platform):
    platform.answer("/debug_token", error(100))
    platform.answer(f"/{BUSINESS}/subscribed_apps", error(200, status=403))
    health = await channel.check(account)
    assert health.subscribed is None
    assert health.missing == ()


async def test_missing_secrets_are_said(channel, platform, account):
    bare = Account(account.id, "whatsapp", NUMBER, BUSINESS, account.api_url, {"access_token": SECRETS["access_token"]})
    assert len((await channel.check(bare)).missing) == 1


async def test_the_business_account_is_subscribed(channel, account, platform):
    platform.answer(f"/{BUSINESS}/subscribed_apps", Answer({"success": True}))
    await channel.subscribe(account, "https://inbox.example.org/hooks/whatsapp")
    assert [(asked.method, asked.json) for asked in platform.asked] == [("POST", {})]


async def test_without_a_business_account_there_is_nothing_to_subscribe(channel, platform):
    with pytest.raises(Rejected):
        await channel.subscribe(Account("a", "whatsapp", NUMBER, "", platform.url, SECRETS), "")


PROMO = {
    "id": 123,
    "name": "promo_junio",
    "status": "APPROVED",
    "category": "MARKETING",
    "language": "es",
    "quality_score": {"score": "GREEN"},
    "rejected_reason": "NONE",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Oferta de {{1}}"},
        {"type": "BODY", "text": "Hola {{1}}, hay envío a {{2}} y otra vez {{1}}"},
        {"type": "FOOTER", "text": "ACME"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "URL", "text": "Ver", "url": "https://example.org/{{1}}"},
                {"type": "QUICK_REPLY", "text": "No quiero más"},
                {"type": "COPY_CODE", "text": "Copiar"},
            ],
        },
    ],
}
NAMED = {
    "id": "124",
    "name": "cita",
    "status": "REJECTED",
    "category": "UTILITY",
    "language": "es_MX",
    "parameter_format": "NAMED",
    "rejected_reason": "INVALID_FORMAT",
    "components": [
        {"type": "HEADER", "format": "IMAGE"},
        {"type": "BODY", "text": "{{nombre}}, su cita en {{ciudad}} sigue en pie."},
    ],
}


async def test_templates_are_read_in_the_form_that_all_channels_share(channel, account, platform):
    platform.answer("/message_templates", Answer({"data": [PROMO, NAMED, {"id": 1}], "paging": {}}))
    promo, named = await channel.templates(account)
    assert promo == Template(
        platform_id="123",
        name="promo_junio",
        language="es",
        category="MARKETING",
        status="APPROVED",
        header="Oferta de {{1}}",
        header_kind="text",
        body="Hola {{1}}, hay envío a {{2}} y otra vez {{1}}",
        footer="ACME",
        buttons=(
            {"type": "url", "text": "Ver", "url": "https://example.org/{{1}}"},
            {"type": "quick_reply", "text": "No quiero más"},
            {"type": "copy_code", "text": "Copiar"},
        ),
        variables=("header", "body.1", "body.2", "button.0", "button.2.code"),
        quality="GREEN",
    )
    assert (named.header_kind, named.variables, named.reason) == (
        "image",
        ("body.nombre", "body.ciudad"),
        "INVALID_FORMAT",
    )


async def test_fields_that_are_forbidden_do_not_hide_the_templates(channel, account, platform):
    platform.answer("/message_templates", error(10, status=403), Answer({"data": [PROMO]}))
    [template] = await channel.templates(account)
    assert template.name == "promo_junio"
    assert "quality_score" not in platform.asked[-1].query["fields"]


async def test_a_file_is_resolved_by_its_id_and_downloaded_with_the_token(channel, account, platform):
    for path, answer in CASE.file_answers(platform.url, b"content").items():
        platform.answer(path, answer)
    fetched = await channel.fetch(account, MediaRef(id="111"))
    assert b"".join([chunk async for chunk in fetched.chunks]) == b"content"
    assert (fetched.mime, fetched.size) == ("image/jpeg", 7)
    resolve, download = platform.asked
    assert resolve.query == {"phone_number_id": NUMBER}
    assert download.headers["Authorization"] == f"Bearer {SECRETS['access_token']}"


@pytest.mark.parametrize(
    ("answer", "final"), [(error(100, 33), True), (error(131016, status=503), False), (Answer(b"", 502), False)]
)
async def test_an_expired_id_is_given_up_and_a_hiccup_is_not(channel, account, platform, answer, final):
    platform.answer("/111", answer)
    with pytest.raises(FetchProblem) as caught:
        await channel.fetch(account, MediaRef(id="111"))
    assert caught.value.final == final


async def test_an_id_that_is_a_path_is_not_asked_for(channel, account, platform):
    with pytest.raises(FetchProblem):
        await channel.fetch(account, MediaRef(id="../me?x="))
    assert platform.asked == []


def test_every_code_has_a_sentence_for_people():
    remedies = [*_TABLE.values(), *(remedy for _, _, remedy in _RANGES)]
    for remedy in remedies:
        assert remedy.sentence.endswith(".")
        assert remedy.kind != "later" or remedy.wait_seconds > 0


@pytest.mark.parametrize(
    ("code", "subcode", "kind"),
    [
        (0, 0, "broken"),
        (190, 463, "broken"),
        (250, 0, "broken"),
        (100, 0, "rejected"),
        (100, 33, "broken"),
        (130429, 0, "later"),
        (131205, 0, "rejected"),
        (131208, 0, "later"),
        (138013, 0, "rejected"),
        (131042, 0, "broken"),
        (131047, 0, "window"),
        (131050, 0, "optout"),
        (131026, 0, "gone"),
        (132015, 0, "rejected"),
        (555555, 0, "rejected"),
        (None, 0, "rejected"),
    ],
)
def test_codes_are_named_by_what_to_do(code, subcode, kind):
    assert remedy_of(code, subcode).kind == kind


def test_all_codes_of_the_platforms_table_are_known():
    documented = [
        *(0, 1, 2, 3, 4, 10, 33, 100, 190, 200, 299, 368, 613, 2500, 80007, 130429, 130472, 130497, 131000, 131005),
        *(131008, 131009, 131014, 131016, 131020, 131021, 131026, 131030, 131031, 131037, 131041, 131042, 131044),
        *(131045, 131047, 131048, 131049, 131050, 131051, 131052, 131053, 131055, 131056, 131057, 131058, 131059),
        *(131060, 131062, 131063, 131064, 131201, 131208, 131215, 132000, 132001, 132005, 132007, 132008, 132012),
        *(132015, 132016, 132018, 132068, 132069, 133000, 133004, 133005, 133006, 133008, 133009, 133010, 133015),
        *(133016, 134011, 134100, 134101, 134102, 135000, 137000, 138000, 138018, 139000, 139004, 139100, 139103),
        *(141002, 141006, 147001, 147005, 200005, 200007, 1752041, 2388001, 2388103, 2494100, 2593107, 2593109),
    ]
    assert [code for code in documented if find_remedy(code) is None] == []
