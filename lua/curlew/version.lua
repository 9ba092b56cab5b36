--- The version of curlew; the rockspec and the documentation follow it.
return "0.1.0-dev"
