import aiohttp
import pytest
from aiohttp import web

from bot import net


@pytest.fixture
async def local_port():
    async def answer(request: web.Request) -> web.Response:
        if target := request.query.get("to"):
            raise web.HTTPFound(target)
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.fixture
def trusted():
    return set()


@pytest.fixture
async def session(trusted):
    async with aiohttp.ClientSession(connector=net.connector(lambda: trusted)) as client:
        yield client


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_local_address_is_not_connected_to(session, local_port, host):
    with pytest.raises(aiohttp.ClientConnectorError) as refusal:
        await session.get(f"http://{host}:{local_port}/")
    assert isinstance(refusal.value.os_error, net.PrivateAddress)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_the_address_of_a_connected_account_may_be_local(session, trusted, local_port, host):
    trusted.add(net.origin(f"http://{host}:{local_port}/v26.0"))
    async with session.get(f"http://{host}:{local_port}/") as answer:
        assert await answer.text() == "ok"


async def test_a_trusted_host_does_not_open_its_other_ports(session, trusted, local_port):
    trusted.add(("127.0.0.1", local_port + 1))
    with pytest.raises(aiohttp.ClientConnectorError):
        await session.get(f"http://127.0.0.1:{local_port}/")


async def test_a_redirect_does_not_lead_into_the_private_network(session, trusted, local_port):
    trusted.add(("localhost", local_port))
    with pytest.raises(aiohttp.ClientConnectorError):
        await session.get(f"http://localhost:{local_port}/?to=http://127.0.0.2:{local_port}/")


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "0.0.0.0", "169.254.169.254", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "localhost", "",
    ],
)  # fmt: skip
def test_what_is_not_of_the_open_internet_is_known(address):
    assert not net.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "157.240.0.53", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_known(address):
    assert net.is_public(address)


@pytest.mark.parametrize("url", ["", "nonsense", "http://[::1", "http://a:b:c"])
def test_an_address_that_is_none_is_nowhere_and_breaks_no_other(url):
    assert net.origin(url) == ("", 0)
