# SPDX-License-Identifier: MIT
# web: a Flask application that has answered requests: templates, sessions, errors, signals.
# needs: flask
import planted

import flask

app = flask.Flask(__name__)
app.secret_key = "secret"
items = {}


@app.before_request
def note():
    flask.g.seen = flask.request.path


@app.route("/item/<int:number>", methods=["GET", "POST"])
def item(number):
    if flask.request.method == "POST":
        items[number] = flask.request.get_json()
        flask.session["last"] = number
        return flask.jsonify(stored=number), 201
    return flask.render_template_string("<p>{% for k, v in it.items() %}{{ k }}: {{ v|upper }}{% endfor %}</p>",
                                        it=items[number])


@app.errorhandler(KeyError)
def missing(error):
    return flask.jsonify(missing=str(error)), 404


@app.route("/stop")
def stop():
    """Stand still inside a request, with all that is live in one."""
    planted.stop({"app": id(app), "request": id(flask.request._get_current_object())})


client = app.test_client()
for i in range(40):
    client.post("/item/%d" % i, json={"name": "item %d" % i, "colour": "red"})
    client.get("/item/%d" % (i * 2))
client.get("/stop")
