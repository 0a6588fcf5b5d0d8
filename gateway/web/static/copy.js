// A "Copy" button on commands, where the browser can copy. Without it they are selected by hand.
if (navigator.clipboard) {
  for (const block of document.querySelectorAll("pre[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = block.dataset.copy;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("code").textContent);
      button.textContent = block.dataset.copied;
    });
    block.after(button);
  }
}
