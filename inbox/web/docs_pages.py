"""The page that describes the API, drawn from the same table and models that serve it."""

from aiohttp import web

from inbox.gate import HOUSE, OPERATIONS, translator
from inbox.web.answers import page


async def show_docs(request: web.Request) -> web.Response:
    base = request.app[HOUSE].settings.server.public_url or f"{request.scheme}://{request.host}"
    return await page(
        request, "api_docs", operations=request.app[OPERATIONS](translator(request)), base_url=f"{base}/api/v1"
    )
