import { mount } from "svelte";
import App from "./App.svelte";
import { speakPreferred } from "./messages/messages.svelte";
import { follow } from "./state/place.svelte";
import { askStatus } from "./state/status.svelte";
import "./styles/tokens.css";
import "./styles/base.css";

follow();
void askStatus();
await speakPreferred();
mount(App, { target: document.getElementById("page")! });
