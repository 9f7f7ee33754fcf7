"""The explorer: one token at a time, what it sounds like and where each layer's gradient energy lies around its centre.

One ES module, ``explorer.js``, draws it, and one binary bundle is what it reads. ``widget`` puts both into a notebook
(JupyterLab, Voila), ``page`` into one HTML file that opens from disk; neither asks a kernel for what is stored.

Notebook: notebooks/explorer
"""
